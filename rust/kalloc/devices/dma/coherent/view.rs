// SPDX-License-Identifier: GPL-2.0

//! [`CoherentView`]: views of coherent memory for the kernel crate's I/O accessors.

use super::DmaAddress;
use crate::series::io::{IoBackend, IoBase, IoCapable, IoCopyable, SysMem, SysMemBackend};
use core::{
    fmt,
    sync::atomic::{
        AtomicBool,
        Ordering::Relaxed, //
    },
};
use kernel::{
    prelude::{
        FromBytes,
        IntoBytes, //
    },
    ptr::KnownSize, //
};

/// Coherent memory, or a part of it, for `'a`. The kernel crate's accessors take it, and its
/// `io_project!` returns it.
///
/// It is `Copy`. Views of [`Coherent::managed`](super::Coherent::managed) are valid until the device
/// is unbound.
pub struct CoherentView<'a, T: ?Sized> {
    memory: SysMem<'a, T>,
    address: DmaAddress,
    told: &'a AtomicBool,
}

impl<T: ?Sized> Clone for CoherentView<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: ?Sized> Copy for CoherentView<'_, T> {}

impl<'a, T: ?Sized> CoherentView<'a, T> {
    /// # Safety
    ///
    /// `cpu` is valid, aligned memory of a `T` of plain bytes for `'a`. The device accesses it at
    /// `address`. `told` belongs to its owner, which reads from it whether the address was read.
    #[inline(always)]
    pub(in crate::devices::dma) unsafe fn new(
        cpu: *mut T,
        address: DmaAddress,
        told: &'a AtomicBool,
    ) -> Self {
        Self {
            // SAFETY: `# Safety`: `cpu` is valid, aligned memory of a `T` for `'a`.
            memory: unsafe { SysMem::new(cpu) },
            address,
            told,
        }
    }

    /// The DMA address.
    #[inline(always)]
    pub fn dma_address(self) -> DmaAddress {
        self.told.store(true, Relaxed);
        self.address
    }
}

impl<T: KnownSize + ?Sized> fmt::Debug for CoherentView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coherent")
            .field("address", &self.dma_address())
            .field("size", &T::size(self.memory.as_ptr()))
            .finish()
    }
}

/// The backend of coherent memory for the kernel crate's accessors: system memory, volatile
/// accesses.
#[derive(Debug)]
pub struct CoherentBackend;

impl IoBackend for CoherentBackend {
    type View<'a, T: ?Sized + KnownSize> = CoherentView<'a, T>;

    #[inline(always)]
    fn as_ptr<T: ?Sized + KnownSize>(view: CoherentView<'_, T>) -> *mut T {
        view.memory.as_ptr()
    }

    #[inline(always)]
    unsafe fn project_view<'a, T: ?Sized + KnownSize, U: ?Sized + KnownSize>(
        view: Self::View<'a, T>,
        ptr: *mut U,
    ) -> Self::View<'a, U> {
        let offset = ptr.addr() - view.memory.as_ptr().addr();
        CoherentView {
            // SAFETY: `# Safety` of `project_view`: `ptr` is a projection of the view's pointer.
            memory: unsafe { SysMemBackend::project_view(view.memory, ptr) },
            // CAST: A `dma_addr_t` can address all of the memory.
            address: view.address + offset as DmaAddress,
            told: view.told,
        }
    }
}

impl<T> IoCapable<T> for CoherentBackend
where
    SysMemBackend: IoCapable<T>,
{
    #[inline(always)]
    fn io_read(view: CoherentView<'_, T>) -> T {
        SysMemBackend::io_read(view.memory)
    }

    #[inline(always)]
    fn io_write(view: CoherentView<'_, T>, value: T) {
        SysMemBackend::io_write(view.memory, value)
    }
}

impl IoCopyable for CoherentBackend {
    #[inline(always)]
    unsafe fn copy_from_io(view: CoherentView<'_, [u8]>, buffer: *mut u8) {
        // SAFETY: `# Safety` of `copy_from_io`: `buffer` is valid for writes of the view's size.
        unsafe { SysMemBackend::copy_from_io(view.memory, buffer) }
    }

    #[inline(always)]
    unsafe fn copy_to_io(view: CoherentView<'_, [u8]>, buffer: *const u8) {
        // SAFETY: `# Safety` of `copy_to_io`: `buffer` is valid for reads of the view's size.
        unsafe { SysMemBackend::copy_to_io(view.memory, buffer) }
    }

    #[inline(always)]
    fn copy_read<T: FromBytes>(view: CoherentView<'_, T>) -> T {
        SysMemBackend::copy_read(view.memory)
    }

    #[inline(always)]
    fn copy_write<T: IntoBytes>(view: CoherentView<'_, T>, value: T) {
        SysMemBackend::copy_write(view.memory, value)
    }
}

impl<'a, T: ?Sized + KnownSize> IoBase<'a> for CoherentView<'a, T> {
    type Backend = CoherentBackend;
    type Target = T;

    #[inline(always)]
    fn as_view(self) -> Self {
        self
    }
}
