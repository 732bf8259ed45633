// SPDX-License-Identifier: GPL-2.0

//! Character devices of the misc class: file operations with the token of process context.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)
//!
//! A driver written for [`kernel::miscdevice`] changes the signatures of its functions, keeps data that
//! borrows nothing, and registers with [`MiscRegistration`]. All functions are called by a program's system
//! call or when it ends, in process context, on every kernel.

use crate::{
    contexts::{
        tokens::TaskCx,
        traits::MaySleep, //
    },
    entry::{
        bus::driver::BoundScope,
        callbacks::{
            Callback,
            CallbackBox, //
        },
        in_flight::InFlight, //
    },
};
use core::{
    fmt,
    marker::PhantomData,
    mem::ManuallyDrop,
    ops::Deref,
    pin::Pin,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};
use kernel::{
    bindings,
    build_error,
    device::Device,
    error::{
        code::ENODEV,
        Error,
        Result,
        VTABLE_DEFAULT_ERROR, //
    },
    ffi::c_void,
    fs::{
        File,
        Kiocb, //
    },
    iov::{
        IovIterDest,
        IovIterSource, //
    },
    miscdevice,
    mm::virt::VmaNew,
    prelude::{
        pin_data,
        pinned_drop,
        try_pin_init,
        vtable,
        PinInit, //
    },
    seq_file::SeqFile,
    types::ForeignOwnable, //
};

pub use kernel::miscdevice::*;

/// A misc device that user space sees: what `open` gets. Wraps `struct miscdevice`.
///
/// Who has one has a [`MiscRegistration`], or a [`BoundScope`].
#[repr(C)]
#[pin_data(PinnedDrop)]
pub struct MiscDeviceRegistration<T: MiscDevice> {
    // The first, by which `open` finds the other.
    #[pin]
    inner: ManuallyDrop<miscdevice::MiscDeviceRegistration<Adapter<T>>>,
    data: T::Data,
    ended: AtomicBool,
}

impl<T: MiscDevice> MiscDeviceRegistration<T> {
    fn new(opts: MiscDeviceOptions, data: T::Data) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            data,
            ended: AtomicBool::new(false),
            // The last: once it is there, nothing fails that would forget it.
            inner <- manually_drop(miscdevice::MiscDeviceRegistration::register(opts)),
        })
    }

    /// Once, which is when nobody can open it any more.
    fn deregister(&self) {
        if !self.ended.swap(true, Ordering::Relaxed) {
            // SAFETY: It was registered, and is deregistered here alone.
            unsafe { bindings::misc_deregister(self.inner.as_raw()) }
        }
    }

    /// What it was registered with.
    pub fn data(&self) -> &T::Data {
        &self.data
    }

    /// The device in the class `misc`.
    pub fn device(&self) -> &Device {
        self.inner.device()
    }
}

#[pinned_drop]
impl<T: MiscDevice> PinnedDrop for MiscDeviceRegistration<T> {
    fn drop(self: Pin<&mut Self>) {
        self.deregister();
    }
}

impl<T: MiscDevice> fmt::Debug for MiscDeviceRegistration<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MiscDeviceRegistration")
    }
}

/// Initialises what is not dropped with the rest.
fn manually_drop<T, E>(init: impl PinInit<T, E>) -> impl PinInit<ManuallyDrop<T>, E> {
    let init = move |slot: *mut ManuallyDrop<T>| {
        // SAFETY: By the contract of the initialiser, since it is a `T` and no more.
        unsafe { pin_init::raw_try_init(slot.cast(), init) }
    };
    // SAFETY: It initialises the place, or leaves it as it is.
    unsafe { pin_init::pin_init_from_closure(init) }
}

/// A misc device that user space sees, until this is dropped. Memory of kmalloc.
///
/// Dropping it is legal wherever the driver can have it, and takes no mutex: the device goes in
/// process context, soon after. Files that are open stay open, and keep the module.
///
/// ```
/// use kalloc::{miscdevice::{MiscDevice, MiscDeviceOptions, MiscRegistration}, prelude::*};
///
/// fn register<T: MiscDevice<Data = ()> + 'static>(task: &TaskCx) -> Result<MiscRegistration<T>> {
///     MiscRegistration::new(task, MiscDeviceOptions { name: c"last" }, ())
/// }
/// ```
pub struct MiscRegistration<T: MiscDevice<Data: 'static> + 'static>(
    CallbackBox<MiscDeviceRegistration<T>>,
);

// SAFETY: Deregistered, nobody opens it, and files do not have it.
unsafe impl<T: MiscDevice<Data: 'static> + 'static> Callback for MiscDeviceRegistration<T> {
    // It takes a mutex.
    fn stop(&self) {}

    unsafe fn wait(&self) {
        self.deregister();
    }
}

impl<T: MiscDevice<Data: 'static> + 'static> MiscRegistration<T> {
    /// Registers a misc device, wraps `misc_register()`. Every file that is opened can get at `data`.
    ///
    /// Not in [`MiscDevice::open`], which has the mutex that this waits for.
    ///
    /// # Errors
    ///
    /// `ENOMEM` where there is no memory, and what `misc_register()` returns.
    pub fn new<C: MaySleep>(cx: &C, opts: MiscDeviceOptions, data: T::Data) -> Result<Self> {
        Ok(Self(CallbackBox::new(
            cx,
            MiscDeviceRegistration::new(opts, data),
        )?))
    }

    /// Deregisters it at once, wraps `misc_deregister()`. Not in [`MiscDevice::open`]: drop it there.
    pub fn free<C: MaySleep>(self, cx: &C) {
        self.0.free(cx)
    }
}

impl<T: MiscDevice<Data: 'static> + 'static> Deref for MiscRegistration<T> {
    type Target = MiscDeviceRegistration<T>;

    fn deref(&self) -> &MiscDeviceRegistration<T> {
        self.0.get().get_ref()
    }
}

impl<T: MiscDevice<Data: 'static> + 'static> fmt::Debug for MiscRegistration<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MiscRegistration")
    }
}

impl<'d> BoundScope<'d> {
    /// Registers a misc device until the driver's device is unbound: as [`MiscRegistration::new`].
    ///
    /// Its files may stay open longer, so what they have of the device is [lent](BoundScope::lend).
    pub fn misc_register<T, C>(&mut self, cx: &C, opts: MiscDeviceOptions, data: T::Data) -> Result
    where
        T: MiscDevice + 'd,
        C: MaySleep,
    {
        self.until_unbind(cx, MiscDeviceRegistration::<T>::new(opts, data))
    }
}

/// What an open file of a misc device does: [`kernel::miscdevice::MiscDevice`] with tokens.
///
/// ```
/// use kalloc::{miscdevice::{MiscDevice, MiscDeviceRegistration}, prelude::*};
/// use kernel::{fs::{File, Kiocb}, iov::IovIterSource, new_mutex, sync::{Arc, Mutex}};
///
/// /// Keeps what was written last.
/// #[pin_data]
/// struct Last {
///     #[pin]
///     text: Mutex<KVec<u8>>,
/// }
///
/// #[vtable]
/// impl MiscDevice for Last {
///     type Ptr = Arc<Self>;
///     type Data = ();
///
///     fn open(_file: &File, _misc: &MiscDeviceRegistration<Self>, task: &mut TaskCx) -> Result<Arc<Self>> {
///         Arc::pin_init_with(&task, pin_init!(Self { text <- new_mutex!(KVec::new()) }))
///     }
///
///     fn write_iter(
///         kiocb: Kiocb<'_, Arc<Self>>,
///         iov: &mut IovIterSource<'_>,
///         task: &mut TaskCx,
///     ) -> Result<usize> {
///         let mut text = KVec::with_capacity(&task, iov.len().min(4096))?;
///         text.extend_from_slice(&task, b"a line")?;
///         *kiocb.file().text.lock() = text;
///         Ok(iov.len())
///     }
/// }
/// ```
#[vtable]
pub trait MiscDevice: Sized {
    /// What is behind the file: `Arc<Self>` or `Pin<KBox<Self>>`. A file may stay open for ever.
    type Ptr: ForeignOwnable + Send + Sync + 'static;

    /// What belongs to the registration: `()`, or what a file needs to find its device.
    type Data: Send + Sync;

    /// A program opens the device, with the kernel's mutex of all misc devices held: a device that is
    /// registered or freed here waits for ever.
    fn open(
        file: &File,
        misc: &MiscDeviceRegistration<Self>,
        task: &mut TaskCx,
    ) -> Result<Self::Ptr>;

    /// The last descriptor of the file was closed.
    fn release(device: Self::Ptr, file: &File, task: &mut TaskCx) {
        let _ = (file, task);
        drop(device);
    }

    /// `mmap()`, with the program's `mmap_lock` held.
    fn mmap(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        vma: &VmaNew,
        task: &mut TaskCx,
    ) -> Result {
        let _ = (device, file, vma, task);
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// `read()` and its like.
    fn read_iter(
        kiocb: Kiocb<'_, Self::Ptr>,
        iov: &mut IovIterDest<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        let _ = (kiocb, iov, task);
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// `write()` and its like.
    fn write_iter(
        kiocb: Kiocb<'_, Self::Ptr>,
        iov: &mut IovIterSource<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        let _ = (kiocb, iov, task);
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// `ioctl()`. The command is taken apart with [`kernel::ioctl`].
    fn ioctl(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        cmd: u32,
        arg: usize,
        task: &mut TaskCx,
    ) -> Result<isize> {
        let _ = (device, file, cmd, arg, task);
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// `ioctl()` of a 32-bit program. Without it, `ioctl` is called with the pointer converted.
    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        cmd: u32,
        arg: usize,
        task: &mut TaskCx,
    ) -> Result<isize> {
        let _ = (device, file, cmd, arg, task);
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// `/proc/PID/fdinfo/FD` is read.
    fn show_fdinfo(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        m: &SeqFile,
        file: &File,
        task: &mut TaskCx,
    ) {
        let _ = (device, m, file, task);
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}

/// What the kernel calls. Only this file can name it: who else could would make tokens with it.
struct Adapter<T>(PhantomData<T>);

/// The token of a file operation.
///
/// # Safety
///
/// Called once in a file operation that the kernel calls.
unsafe fn token() -> TaskCx {
    // SAFETY: Such are called in process context, and this is the only token there.
    unsafe { TaskCx::assume() }
}

impl<T: MiscDevice> Adapter<T> {
    /// The module that an open file counts for, whose code releases it: a reference of a file keeps no
    /// module whose init fails.
    fn module() -> InFlight {
        let release: fn(T::Ptr, &File) = <Self as miscdevice::MiscDevice>::release;
        InFlight::of(release as *const c_void)
    }
}

impl<T: MiscDevice> miscdevice::MiscDevice for Adapter<T> {
    type Ptr = T::Ptr;
    type OwnerModule = T::OwnerModule;
    const USE_VTABLE_ATTR: () = ();
    const HAS_OPEN: bool = true;
    const HAS_RELEASE: bool = true;
    const HAS_MMAP: bool = T::HAS_MMAP;
    const HAS_READ_ITER: bool = T::HAS_READ_ITER;
    const HAS_WRITE_ITER: bool = T::HAS_WRITE_ITER;
    const HAS_IOCTL: bool = T::HAS_IOCTL;
    #[cfg(CONFIG_COMPAT)]
    const HAS_COMPAT_IOCTL: bool = T::HAS_COMPAT_IOCTL;
    const HAS_SHOW_FDINFO: bool = T::HAS_SHOW_FDINFO;

    fn open(file: &File, misc: &miscdevice::MiscDeviceRegistration<Self>) -> Result<Self::Ptr> {
        let misc: *const miscdevice::MiscDeviceRegistration<Self> = misc;
        // SAFETY: It is the first field of one, as every such registration is, and that is all there
        // before it is registered.
        let misc = unsafe { &*misc.cast::<MiscDeviceRegistration<T>>() };
        let begun = Self::module().begin().ok_or(ENODEV)?;
        // SAFETY: This is a file operation.
        let device = T::open(file, misc, &mut unsafe { token() })?;
        begun.forget();
        Ok(device)
    }

    fn release(device: Self::Ptr, file: &File) {
        // SAFETY: `open` counted this file, which is released once. It ends after all else here.
        let _begun = unsafe { Self::module().begun() };
        // SAFETY: This is a file operation.
        T::release(device, file, &mut unsafe { token() })
    }

    fn mmap(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        vma: &VmaNew,
    ) -> Result {
        // SAFETY: This is a file operation.
        T::mmap(device, file, vma, &mut unsafe { token() })
    }

    fn read_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        // SAFETY: This is a file operation.
        T::read_iter(kiocb, iov, &mut unsafe { token() })
    }

    fn write_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        // SAFETY: This is a file operation.
        T::write_iter(kiocb, iov, &mut unsafe { token() })
    }

    fn ioctl(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        cmd: u32,
        arg: usize,
    ) -> Result<isize> {
        // SAFETY: This is a file operation.
        T::ioctl(device, file, cmd, arg, &mut unsafe { token() })
    }

    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        cmd: u32,
        arg: usize,
    ) -> Result<isize> {
        // SAFETY: This is a file operation.
        T::compat_ioctl(device, file, cmd, arg, &mut unsafe { token() })
    }

    fn show_fdinfo(device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>, m: &SeqFile, file: &File) {
        // SAFETY: This is a file operation.
        T::show_fdinfo(device, m, file, &mut unsafe { token() })
    }
}
