// SPDX-License-Identifier: GPL-2.0

//! [`DmaDevice`]: a device with its DMA masks set, and the attributes of allocations for it.

use crate::{
    contexts::traits::MayFs,
    ground::sealed::Sealed, //
};
use core::{
    fmt,
    marker::PhantomData, //
};
use kalloc_bindings::*;
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::{
        to_result,
        Result, //
    },
    ffi::c_ulong, //
};

/// The mask of the lowest `BITS` bits, wraps `DMA_BIT_MASK()`.
struct Mask<const BITS: u32>;

impl<const BITS: u32> Mask<BITS> {
    const VALUE: u64 = {
        assert!(BITS >= 1 && BITS <= 64, "a DMA mask has 1 to 64 bits");
        u64::MAX >> (64 - BITS)
    };
}

/// A bound device with its DMA masks set. Every DMA allocation takes one.
///
/// It is `Copy`, no larger than a reference, and valid until the device is unbound. `A` are the
/// attributes of allocations through it, `DMA_ATTR_…` as types:
///
/// ```
/// use kalloc::{dma::{Coherent, DmaDevice}, prelude::*};
///
/// fn frame(task: &TaskCx, dma: DmaDevice<'_>) -> Result {
///     // DMA_ATTR_WRITE_COMBINE | DMA_ATTR_FORCE_CONTIGUOUS
///     let frame = Coherent::<[u32], _>::zeroed_slice(
///         task,
///         dma.write_combine().force_contiguous(),
///         640 * 480,
///     )?;
///     Ok(drop(frame))
/// }
/// ```
///
/// # Invariants
///
/// The device is bound to a driver for all of `'bound`. Its masks are set and do not change in this
/// binding. When the device is unbound, devres frees deferred and kept memory of the device.
pub struct DmaDevice<'bound, A = NoAttrs>(&'bound Device<Bound>, PhantomData<A>);

impl<A> Clone for DmaDevice<'_, A> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<A> Copy for DmaDevice<'_, A> {}

// SAFETY: It is a reference to a bound device, which is `Sync`. Attributes have no values.
unsafe impl<A> Send for DmaDevice<'_, A> {}
// SAFETY: As above.
unsafe impl<A> Sync for DmaDevice<'_, A> {}

impl<'bound> DmaDevice<'bound> {
    /// Sets both DMA masks to `BITS` bits, wraps `dma_set_mask_and_coherent()`.
    ///
    /// Called in probe, before every allocation, which needs the returned handle. The kernel
    /// crate's own DMA functions do not need it: call them after this, too.
    ///
    /// # Context
    ///
    /// Process context that may sleep, outside memalloc scopes.
    ///
    /// ```
    /// use kalloc::{dma::DmaDevice, prelude::*};
    /// use kernel::{device::Core, pci};
    ///
    /// /// 64 bits, or 32 where the machine has no more.
    /// fn dma<'bound>(
    ///     task: &TaskCx,
    ///     pdev: &'bound pci::Device<Core<'_>>,
    /// ) -> Result<DmaDevice<'bound>> {
    ///     DmaDevice::set_mask_and_coherent::<64, _>(task, pdev)
    ///         .or_else(|_| DmaDevice::set_mask_and_coherent::<32, _>(task, pdev))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `EIO` if the device does not support DMA, or cannot address any memory: try another mask
    /// then. `EBUSY` if the masks were set in this binding. `ENOMEM`. `BITS` of 0, or above 64,
    /// does not compile.
    #[doc(alias = "dma_set_mask_and_coherent")]
    #[inline]
    pub fn set_mask_and_coherent<'a, const BITS: u32, D>(
        cx: &impl MayFs,
        dev: &'bound D,
    ) -> Result<Self>
    where
        D: kernel::dma::Device<'a>,
        'a: 'bound,
    {
        Self::set_masks::<BITS, BITS, D>(cx, dev)
    }

    /// As [`DmaDevice::set_mask_and_coherent`], with separate masks for streaming mappings and for
    /// [`Coherent`](super::Coherent) memory. Wraps `dma_set_mask()` and `dma_set_coherent_mask()`.
    ///
    /// # Errors
    ///
    /// As [`DmaDevice::set_mask_and_coherent`].
    #[doc(alias("dma_set_mask", "dma_set_coherent_mask"))]
    #[inline]
    pub fn set_masks<'a, const STREAMING: u32, const COHERENT: u32, D>(
        _cx: &impl MayFs,
        dev: &'bound D,
    ) -> Result<Self>
    where
        D: kernel::dma::Device<'a>,
        'a: 'bound,
    {
        let dev: &'bound Device<Bound> = dev.as_ref();
        // SAFETY: The device is bound and the caller may sleep. This is probe: drivers of kalloc
        // have a `Device<Core>` only there. There is no `DmaDevice` of this binding yet, and
        // interrupt handlers of kalloc start after probe, so there are no concurrent allocations
        // through kalloc. Functions of the kernel crate may read the masks concurrently, and see an
        // old or a new value of each.
        to_result(unsafe {
            kalloc_helper_dma_set_masks(
                as_raw(dev),
                Mask::<STREAMING>::VALUE,
                Mask::<COHERENT>::VALUE,
            )
        })?;
        // INVARIANT: The masks are set, and a second call in this binding returns `EBUSY`.
        Ok(Self(dev, PhantomData))
    }
}

/// The `struct device`.
#[inline(always)]
fn as_raw(dev: &Device<Bound>) -> *mut bindings::device {
    // CAST: `Device` is transparent over `struct device`.
    core::ptr::from_ref(dev).cast_mut().cast()
}

impl<'bound, A> DmaDevice<'bound, A> {
    /// The device.
    #[inline(always)]
    pub fn device(self) -> &'bound Device<Bound> {
        self.0
    }

    /// The same device without attributes.
    #[inline(always)]
    pub(super) fn plain(self) -> DmaDevice<'bound> {
        // INVARIANT: The device is the same.
        DmaDevice(self.0, PhantomData)
    }

    /// The `struct device`, which is bound for all of `'bound`.
    #[inline(always)]
    pub(super) fn as_raw(self) -> *mut bindings::device {
        as_raw(self.0)
    }

    /// The mask that covers all memory of the machine, wraps `dma_get_required_mask()`. With a
    /// smaller mask some buffers are bounced.
    #[doc(alias = "dma_get_required_mask")]
    #[inline]
    pub fn required_mask(self) -> u64 {
        // SAFETY: Invariant of `DmaDevice`: the device is bound and its masks are set.
        unsafe { bindings::dma_get_required_mask(self.as_raw()) }
    }

    /// The size of the largest mapping in bytes, wraps `dma_max_mapping_size()`.
    ///
    /// # Context
    ///
    /// Any. For a device whose firmware limits its DMA (`dma-ranges`, not on x86) the kernel may take
    /// the `rwlock_t` of its resources, with interrupts on: call it in process context then, and keep
    /// the result.
    #[doc(alias = "dma_max_mapping_size")]
    #[inline]
    pub fn max_mapping_size(self) -> usize {
        // SAFETY: Invariant of `DmaDevice`: the device is bound and its masks are set. What the lock
        // can do is a deadlock, and no misuse of memory.
        unsafe { bindings::dma_max_mapping_size(self.as_raw()) }
    }
}

impl<A: Attrs> fmt::Debug for DmaDevice<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DmaDevice").field(&A::BITS).finish()
    }
}

// Attributes ------------------------------------------------------------------------------------

/// Attributes of DMA memory, as a type. The methods of [`DmaDevice`] add them.
pub trait Attrs: Sealed + 'static {
    /// The `DMA_ATTR_…` flags.
    const BITS: c_ulong;
}

/// Attributes that do not choose the kind of pages yet.
#[diagnostic::on_unimplemented(
    message = "`{Self}` already has an attribute that selects pages",
    label = "a second attribute that selects pages",
    note = "`.force_contiguous()` and `.alloc_single_pages()` exclude one another"
)]
pub trait Paged: Attrs {}

/// Attributes that are valid for mapping existing memory.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has an attribute of an allocation, and a mapping allocates no memory",
    label = "an attribute of an allocation",
    note = "a mapping accepts `.weak_ordering()`, `.no_warn()` and `.privileged()`"
)]
pub trait ForMapping: Attrs {}

/// No attributes.
#[derive(Clone, Copy, Debug)]
pub struct NoAttrs;

impl Sealed for NoAttrs {}
impl Attrs for NoAttrs {
    const BITS: c_ulong = 0;
}
impl Paged for NoAttrs {}
impl ForMapping for NoAttrs {}

macro_rules! attributes {
    ($(
        $(#[$doc:meta])*
        $name:ident, $method:ident = $bit:ident, needs [$($needs:ident)?], keeps [$($keeps:ident)*];
    )*) => {
        $(
            #[doc = concat!("Attributes with what [`DmaDevice::", stringify!($method), "`] adds.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $name<A>(PhantomData<A>);

            impl<A: Attrs> Sealed for $name<A> {}
            impl<A: Attrs> Attrs for $name<A> {
                const BITS: c_ulong = A::BITS | bindings::$bit as c_ulong;
            }
            $(impl<A: $keeps> $keeps for $name<A> {})*
        )*

        impl<'bound, A: Attrs> DmaDevice<'bound, A> {
            $(
                $(#[$doc])*
                #[inline(always)]
                pub fn $method(self) -> DmaDevice<'bound, $name<A>>
                $(where A: $needs)?
                {
                    // INVARIANT: The device is the same.
                    DmaDevice(self.0, PhantomData)
                }
            )*
        }
    };
}

attributes! {
    /// `DMA_ATTR_WEAK_ORDERING`: reads and writes of the device may be reordered.
    #[doc(alias = "DMA_ATTR_WEAK_ORDERING")]
    WeakOrdering, weak_ordering = DMA_ATTR_WEAK_ORDERING, needs [], keeps [Paged ForMapping];
    /// `DMA_ATTR_WRITE_COMBINE`: writes of the CPU may be combined.
    #[doc(alias("DMA_ATTR_WRITE_COMBINE", "dma_alloc_wc"))]
    WriteCombine, write_combine = DMA_ATTR_WRITE_COMBINE, needs [], keeps [Paged];
    /// `DMA_ATTR_FORCE_CONTIGUOUS`: physically contiguous, even behind an IOMMU.
    #[doc(alias = "DMA_ATTR_FORCE_CONTIGUOUS")]
    ForceContiguous, force_contiguous = DMA_ATTR_FORCE_CONTIGUOUS, needs [Paged], keeps [];
    /// `DMA_ATTR_ALLOC_SINGLE_PAGES`: large pages are not worth the effort.
    #[doc(alias = "DMA_ATTR_ALLOC_SINGLE_PAGES")]
    AllocSinglePages, alloc_single_pages = DMA_ATTR_ALLOC_SINGLE_PAGES, needs [Paged], keeps [];
    /// `DMA_ATTR_NO_WARN`: a failure is not logged.
    #[doc(alias = "DMA_ATTR_NO_WARN")]
    NoWarn, no_warn = DMA_ATTR_NO_WARN, needs [], keeps [Paged ForMapping];
    /// `DMA_ATTR_PRIVILEGED`: accessible only in the device's privileged mode, if it has one.
    #[doc(alias = "DMA_ATTR_PRIVILEGED")]
    Privileged, privileged = DMA_ATTR_PRIVILEGED, needs [], keeps [Paged ForMapping];
}

// A handle is as large as a pointer.
const _: () = assert!(size_of::<DmaDevice<'_>>() == size_of::<usize>());
