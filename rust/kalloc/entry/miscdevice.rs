// SPDX-License-Identifier: GPL-2.0

//! Character devices of the misc class: file operations with the token of process context.
//!
//! C header: [`include/linux/miscdevice.h`](srctree/include/linux/miscdevice.h)
//!
//! The page [Entry points](pages/entry.html) says more.
//!
//! A driver written for [`kernel::miscdevice`] changes the signatures of its functions, keeps data
//! that borrows nothing, and registers with [`MiscRegistration`]. The kernel calls all functions in
//! process context, from a system call of a program or when the program ends.

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
    series::{self, misc_device_types}, //
};
use core::{
    fmt,
    marker::PhantomData,
    mem::{
        self,
        ManuallyDrop, //
    },
    ops::Deref,
    pin::Pin,
    ptr::NonNull,
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
    sync::aref::ARef,
    types::ForeignOwnable, //
};

pub use kernel::miscdevice::*;

/// A registered misc device, as `open` gets it. Wraps `struct miscdevice`.
///
/// A [`MiscRegistration`] or a [`BoundScope`] owns it.
#[repr(C)]
#[pin_data(PinnedDrop)]
pub struct MiscDeviceRegistration<T: MiscDevice> {
    // The first field, so that `open` finds the others.
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
            // The last step: after the registration no step fails and forgets it.
            inner <- manually_drop(miscdevice::MiscDeviceRegistration::register(opts)),
        })
    }

    /// Deregisters the device, once. After that it cannot be opened.
    fn deregister(&self) {
        // `Relaxed`: only one caller gets false, and nothing else is told by it.
        if !self.ended.swap(true, Ordering::Relaxed) {
            // `misc_deregister()` drops the kernel's reference to the device in the class `misc`.
            // The drop of this value drops this one: until then `device` returns the device.
            mem::forget(ARef::from(self.device()));
            // SAFETY: The device was registered, and is deregistered only here, once.
            unsafe { bindings::misc_deregister(self.inner.as_raw()) }
        }
    }

    /// The data of the registration.
    pub fn data(&self) -> &T::Data {
        &self.data
    }

    /// The device in the class `misc`. It stays valid after the end of the module has deregistered
    /// it.
    pub fn device(&self) -> &Device {
        self.inner.device()
    }
}

#[pinned_drop]
impl<T: MiscDevice> PinnedDrop for MiscDeviceRegistration<T> {
    fn drop(self: Pin<&mut Self>) {
        self.deregister();
        // SAFETY: `deregister` took a reference, which is dropped once, here. The device is not
        // used again.
        drop(unsafe { ARef::from_raw(NonNull::from(self.device())) });
    }
}

impl<T: MiscDevice> fmt::Debug for MiscDeviceRegistration<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MiscDeviceRegistration")
    }
}

/// An initialiser of a value that is not dropped with the other fields.
fn manually_drop<T, E>(init: impl PinInit<T, E>) -> impl PinInit<ManuallyDrop<T>, E> {
    let init = move |slot: *mut ManuallyDrop<T>| {
        // SAFETY: `# Safety` of an initialiser: `slot` is valid for writes. `ManuallyDrop` is
        // transparent.
        unsafe { series::raw_try_init(slot.cast(), init) }
    };
    // SAFETY: The closure initialises the slot, or returns the error.
    unsafe { pin_init::pin_init_from_closure(init) }
}

/// A misc device that is registered until this value is dropped, in memory of kmalloc.
///
/// It may be dropped wherever a driver can own it. The drop takes no mutex: the device is
/// deregistered soon after, in process context. Open files stay open, and hold a reference to the
/// module.
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

// SAFETY: A deregistered device cannot be opened, and open files do not refer to it.
unsafe impl<T: MiscDevice<Data: 'static> + 'static> Callback for MiscDeviceRegistration<T> {
    // `misc_deregister()` takes a mutex, so `wait` calls it.
    fn stop(&self) {}

    unsafe fn wait(&self) {
        self.deregister();
    }
}

impl<T: MiscDevice<Data: 'static> + 'static> MiscRegistration<T> {
    /// Registers a misc device; wraps `misc_register()`. `open` of each file can access `data`.
    ///
    /// A call in [`MiscDevice::open`], which holds the mutex of misc devices, deadlocks.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    ///
    /// # Errors
    ///
    /// `ENOMEM` if memory is short, and the error of `misc_register()`.
    #[doc(alias = "misc_register")]
    pub fn new<C: MaySleep>(cx: &C, opts: MiscDeviceOptions, data: T::Data) -> Result<Self> {
        Ok(Self(CallbackBox::new(
            cx,
            MiscDeviceRegistration::new(opts, data),
        )?))
    }

    /// Deregisters the device at once; wraps `misc_deregister()`. A call in [`MiscDevice::open`]
    /// deadlocks: drop the value there.
    ///
    /// # Context
    ///
    /// Process context. May sleep.
    #[doc(alias = "misc_deregister")]
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
    /// Files may stay open longer, so they can use data of the device only as a
    /// [loan](BoundScope::lend).
    pub fn misc_register<T, C>(&mut self, cx: &C, opts: MiscDeviceOptions, data: T::Data) -> Result
    where
        T: MiscDevice + 'd,
        C: MaySleep,
    {
        self.until_unbind(cx, MiscDeviceRegistration::<T>::new(opts, data))
    }
}

/// The file operations of a misc device: [`kernel::miscdevice::MiscDevice`] with tokens.
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
///
/// # Context
///
/// All functions run in process context, and may sleep.
#[vtable]
pub trait MiscDevice: Sized {
    /// The private data of a file: `Arc<Self>` or `Pin<KBox<Self>>`. A file may stay open without
    /// limit.
    type Ptr: ForeignOwnable + Send + Sync + 'static;

    /// The data of the registration: `()`, or the data by which a file finds its device.
    type Data: Send + Sync;

    /// A program opens the device. The kernel holds the mutex of all misc devices, so registering
    /// or freeing a misc device here deadlocks.
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

    /// `read()` and similar calls.
    fn read_iter(
        kiocb: Kiocb<'_, Self::Ptr>,
        iov: &mut IovIterDest<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        let _ = (kiocb, iov, task);
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// `write()` and similar calls.
    fn write_iter(
        kiocb: Kiocb<'_, Self::Ptr>,
        iov: &mut IovIterSource<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        let _ = (kiocb, iov, task);
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// `ioctl()`. [`kernel::ioctl`] decodes the command.
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

    /// `ioctl()` of a 32-bit program. Without this function the kernel calls `ioctl` with the
    /// converted pointer.
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

/// The functions that the kernel calls. Only this file can name the type: other code could make
/// tokens by calling them.
struct Adapter<T>(PhantomData<T>);

/// The token of a file operation.
///
/// # Safety
///
/// The kernel has called the file operation that calls this function, once.
unsafe fn token() -> TaskCx {
    // SAFETY: `# Safety`: the kernel calls file operations in process context, and this is the only
    // token of the call.
    unsafe { TaskCx::assume() }
}

impl<T: MiscDevice> Adapter<T> {
    /// The record of the module that contains `release`. An open file is counted there, since the
    /// file's reference does not keep a module whose init fails.
    fn module() -> InFlight {
        let release: fn(T::Ptr, &File) = <Self as miscdevice::MiscDevice>::release;
        InFlight::of(release as *const c_void)
    }
}

impl<T: MiscDevice> miscdevice::MiscDevice for Adapter<T> {
    misc_device_types! { T }
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
        // SAFETY: `misc` is the first field of a `MiscDeviceRegistration<T>`, as every registration
        // of an `Adapter<T>` is. The other fields are initialised before it is registered.
        let misc = unsafe { &*misc.cast::<MiscDeviceRegistration<T>>() };
        let begun = Self::module().begin().ok_or(ENODEV)?;
        // SAFETY: The kernel has called this file operation.
        let device = T::open(file, misc, &mut unsafe { token() })?;
        begun.forget();
        Ok(device)
    }

    fn release(device: Self::Ptr, file: &File) {
        // SAFETY: `open` counted this file, which is released once. `_begun` is dropped last.
        let _begun = unsafe { Self::module().begun() };
        // SAFETY: The kernel has called this file operation.
        T::release(device, file, &mut unsafe { token() })
    }

    fn mmap(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        vma: &VmaNew,
    ) -> Result {
        // SAFETY: The kernel has called this file operation.
        T::mmap(device, file, vma, &mut unsafe { token() })
    }

    fn read_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterDest<'_>) -> Result<usize> {
        // SAFETY: The kernel has called this file operation.
        T::read_iter(kiocb, iov, &mut unsafe { token() })
    }

    fn write_iter(kiocb: Kiocb<'_, Self::Ptr>, iov: &mut IovIterSource<'_>) -> Result<usize> {
        // SAFETY: The kernel has called this file operation.
        T::write_iter(kiocb, iov, &mut unsafe { token() })
    }

    fn ioctl(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        cmd: u32,
        arg: usize,
    ) -> Result<isize> {
        // SAFETY: The kernel has called this file operation.
        T::ioctl(device, file, cmd, arg, &mut unsafe { token() })
    }

    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(
        device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>,
        file: &File,
        cmd: u32,
        arg: usize,
    ) -> Result<isize> {
        // SAFETY: The kernel has called this file operation.
        T::compat_ioctl(device, file, cmd, arg, &mut unsafe { token() })
    }

    fn show_fdinfo(device: <Self::Ptr as ForeignOwnable>::Borrowed<'_>, m: &SeqFile, file: &File) {
        // SAFETY: The kernel has called this file operation.
        T::show_fdinfo(device, m, file, &mut unsafe { token() })
    }
}
