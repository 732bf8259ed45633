// SPDX-License-Identifier: GPL-2.0

//! [`Checked`]: a grant that checks at run time whether the code may sleep. For callbacks of the
//! kernel that kalloc has no adaptor for.
//!
//! An adaptor's token costs nothing at run time and is checked at build time. Without an adaptor a
//! driver has two choices: the `unsafe` claim of a token ([`TaskCx::assume`]), or this grant, which
//! needs no `unsafe`. Each allocation first checks that the code is preemptible and not on the RCU
//! read side. Otherwise the allocation fails.
//!
//! The check needs `CONFIG_PREEMPT_COUNT`. Without that option `Checked` does not exist, and code
//! that uses it does not compile. The check does not see held locks that reclaim would take. A file
//! system or a block driver needs NOFS and NOIO [scopes](crate::scope), which apply to this grant
//! too.
//!
//! [`TaskCx::assume`]: crate::context::TaskCx::assume

use crate::{
    contexts::{
        grant::{
            AllowedIn,
            Grant, //
        },
        tokens::{
            NmiCx,
            TaskCx, //
        },
    },
    flags::{
        allocators::For,
        bases::GfpKernel,
        gfp::{
            AllocFailed,
            FlagsValue,
            Gfp, //
        },
        properties::MayFail, //
    },
    ground::{
        allocator_types::{
            KVmalloc,
            Kmalloc,
            Vmalloc, //
        },
        sealed::Sealed, //
    },
};
use kernel::bindings::gfp_t;

/// A grant for every context, whose allocations succeed only where the code may sleep.
///
/// For boxes of kmalloc, vmalloc and kvmalloc. In a context that must not sleep, an allocation
/// fails as if memory were short. [`Checked::may_sleep`] tells the two cases apart.
///
/// ```
/// use kalloc::{checked::Checked, prelude::*};
///
/// /// Called back by something that says nowhere whether it holds a lock.
/// fn callback(len: usize) -> Result<KVBox<[u8]>> {
///     Ok(KVBox::zeroed_slice(Checked, len)?)
/// }
/// ```
#[doc(alias = "preemptible")]
#[derive(Clone, Copy, Debug)]
pub struct Checked;

impl Checked {
    /// Whether the code may sleep: it is preemptible and not on the RCU read side.
    ///
    /// Returns false with a `spinlock_t` held, also on `CONFIG_PREEMPT_RT`, where a held
    /// `spinlock_t` is an RCU read side.
    ///
    /// # Context
    ///
    /// Any context. Takes no lock.
    #[inline]
    pub fn may_sleep(self) -> bool {
        // SAFETY: The call has no preconditions.
        unsafe { kalloc_bindings::kalloc_helper_may_sleep() }
    }

    /// A grant of `flags`, with the same check before each allocation.
    ///
    /// ```
    /// use kalloc::{checked::Checked, prelude::*};
    ///
    /// fn callback() -> Result<KBox<u64>> {
    ///     Ok(KBox::new(Checked.with(GFP_KERNEL.account()), 0)?)
    /// }
    /// ```
    #[inline(always)]
    pub fn with<F: AllowedIn<TaskCx> + MayFail>(self, flags: F) -> CheckedWith<F> {
        CheckedWith(flags)
    }
}

/// A grant of the flags `F`, made by [`Checked::with`].
#[derive(Clone, Copy, Debug)]
pub struct CheckedWith<F>(F);

/// The flags `F`, permitted only while [`Checked::may_sleep`] is true.
#[derive(Clone, Copy, Debug)]
pub struct CheckedBoxFlags<F>(F);

impl<F: Gfp> Sealed for CheckedBoxFlags<F> {}
impl<F: MayFail> Gfp for CheckedBoxFlags<F> {
    const BITS: gfp_t = F::BITS;
    // The kernel crate would use a value of the flags without the check.
    const FLAGS: FlagsValue = panic!("`Checked` is for kalloc's own boxes");
    type Failure = F::Failure;
    #[inline]
    fn failed() -> AllocFailed<Self> {
        AllocFailed(F::failed().0)
    }
    #[inline(always)]
    fn permitted() -> bool {
        Checked.may_sleep()
    }
}
impl<F: MayFail> MayFail for CheckedBoxFlags<F> {}
impl<F: MayFail + For<Kmalloc>> For<Kmalloc> for CheckedBoxFlags<F> {}
impl<F: MayFail + For<Vmalloc>> For<Vmalloc> for CheckedBoxFlags<F> {}
impl<F: MayFail + For<KVmalloc>> For<KVmalloc> for CheckedBoxFlags<F> {}

// The context is the strictest one, since nothing is known of the caller's.
impl Sealed for Checked {}
impl Grant for Checked {
    type Flags = CheckedBoxFlags<GfpKernel>;
    type Context = NmiCx<'static>;
}
impl<F> Sealed for CheckedWith<F> {}
impl<F: MayFail> Grant for CheckedWith<F> {
    type Flags = CheckedBoxFlags<F>;
    type Context = NmiCx<'static>;
}
