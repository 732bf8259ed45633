// SPDX-License-Identifier: GPL-2.0

//! File operations: a file is opened, read, written and closed, and each gets process context.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration, MiscRegistration},
    prelude::*,
};
use kernel::{
    bindings,
    error::{from_err_ptr, to_result},
    fs::{File, Kiocb},
    iov::{IovIterDest, IovIterSource},
    new_mutex, new_spinlock,
    seq_file::{seq_print, SeqFile},
    sync::{Arc, Mutex, SetOnce, SpinLock},
};
use testlib::{c, check, check_eq, traced, wait_until, Outcome};

#[path = "../lib/testlib.rs"]
mod testlib;

testlib::tests! {
    "test_miscdevice":
    read_gives_what_was_written,
    errors_reach_the_program,
    ioctls,
    fdinfo,
    what_is_missing_is_not_there,
    allocations_use_gfp_kernel,
    release_is_called_once,
    open_files_survive_the_registration,
    failed_open,
    device_is_dropped_with_a_lock_held,
    device_in_a_static_is_left_at_exit,
}

/// Operations that were not called in process context.
static WRONG: AtomicU32 = AtomicU32::new(0);
static RELEASED: AtomicU32 = AtomicU32::new(0);
static ALIVE: AtomicU32 = AtomicU32::new(0);

/// Looks where the operation runs, and allocates.
fn look<C: MaySleep>(cx: &C) {
    // SAFETY: None of them has preconditions.
    let may_sleep = unsafe {
        c::testlib_preemptible()
            && !c::testlib_irqs_disabled()
            && c::testlib_rcu_read_lock_held() == 0
    };
    if !may_sleep || KBox::new(cx, [0u64; 3]).is_err() {
        WRONG.fetch_add(1, Relaxed);
    }
}

/// Keeps what was written last.
#[pin_data(PinnedDrop)]
struct Last {
    #[pin]
    text: Mutex<KVec<u8>>,
}

#[pinned_drop]
impl PinnedDrop for Last {
    fn drop(self: Pin<&mut Self>) {
        ALIVE.fetch_sub(1, Relaxed);
    }
}

#[vtable]
impl MiscDevice for Last {
    type Ptr = Arc<Self>;
    type Data = ();

    fn open(
        _file: &File,
        misc: &MiscDeviceRegistration<Self>,
        task: &mut TaskCx,
    ) -> Result<Arc<Self>> {
        look(&task);
        if misc.device().name() == c"kalloc_refused" {
            return Err(EBUSY);
        }
        let this = Arc::pin_init_with(&task, pin_init!(Self { text <- new_mutex!(KVec::new()) }))?;
        ALIVE.fetch_add(1, Relaxed);
        Ok(this)
    }

    fn release(device: Arc<Self>, _file: &File, task: &mut TaskCx) {
        look(task);
        RELEASED.fetch_add(1, Relaxed);
        drop(device);
    }

    fn read_iter(
        mut kiocb: Kiocb<'_, Arc<Self>>,
        iov: &mut IovIterDest<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        look(task);
        let device = kiocb.file();
        let text = device.text.lock();
        iov.simple_read_from_buffer(kiocb.ki_pos_mut(), &text)
    }

    fn write_iter(
        kiocb: Kiocb<'_, Arc<Self>>,
        iov: &mut IovIterSource<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        look(task);
        let len = iov.len();
        if len > 64 {
            return Err(EINVAL);
        }
        let mut text = KVec::from_elem(&task, 0u8, len)?;
        check_len(iov.copy_from_iter(&mut text), len)?;
        *kiocb.file().text.lock() = text;
        Ok(len)
    }

    fn ioctl(
        device: kernel::sync::ArcBorrow<'_, Self>,
        _file: &File,
        cmd: u32,
        arg: usize,
        task: &mut TaskCx,
    ) -> Result<isize> {
        look(task);
        match cmd {
            1 => Ok((device.text.lock().len() + arg) as isize),
            _ => Err(ENOTTY),
        }
    }

    #[cfg(CONFIG_COMPAT)]
    fn compat_ioctl(
        _device: kernel::sync::ArcBorrow<'_, Self>,
        _file: &File,
        _cmd: u32,
        arg: usize,
        task: &mut TaskCx,
    ) -> Result<isize> {
        look(task);
        Ok(arg as isize + 32)
    }

    fn show_fdinfo(
        device: kernel::sync::ArcBorrow<'_, Self>,
        m: &SeqFile,
        _file: &File,
        task: &mut TaskCx,
    ) {
        look(task);
        seq_print!(m, "len:\t{}\n", device.text.lock().len());
    }
}

fn check_len(copied: usize, wanted: usize) -> Result {
    if copied == wanted {
        Ok(())
    } else {
        Err(EFAULT)
    }
}

/// Does nothing but open.
struct Bare;

#[vtable]
impl MiscDevice for Bare {
    type Ptr = Arc<u32>;
    type Data = ();

    fn open(
        _file: &File,
        _misc: &MiscDeviceRegistration<Self>,
        task: &mut TaskCx,
    ) -> Result<Arc<u32>> {
        Ok(Arc::new_with(&task, 0)?)
    }
}

/// An open file of a device, closed when it is dropped.
struct Opened(*mut bindings::file);

impl Opened {
    fn new(path: &CStr) -> Result<Self> {
        // SAFETY: The path is a string.
        let file = unsafe { bindings::filp_open(path.as_char_ptr(), bindings::O_RDWR as i32, 0) };
        Ok(Self(from_err_ptr(file)?))
    }

    fn write(&self, text: &[u8]) -> Result<usize> {
        let mut pos = 0;
        // SAFETY: The file is open and the text valid.
        let len =
            unsafe { bindings::kernel_write(self.0, text.as_ptr().cast(), text.len(), &mut pos) };
        to_result(len.min(0) as i32).map(|()| len as usize)
    }

    fn read(&self, buffer: &mut [u8], mut pos: i64) -> Result<usize> {
        // SAFETY: The file is open and the buffer valid.
        let len = unsafe {
            bindings::kernel_read(self.0, buffer.as_mut_ptr().cast(), buffer.len(), &mut pos)
        };
        to_result(len.min(0) as i32).map(|()| len as usize)
    }

    fn ops(&self) -> &bindings::file_operations {
        // SAFETY: An open file has operations.
        unsafe { &*(*self.0).f_op }
    }

    fn ioctl(&self, cmd: u32, arg: usize) -> Result<isize> {
        let ioctl = self.ops().unlocked_ioctl.ok_or(ENOTTY)?;
        // SAFETY: The file is open.
        let result = unsafe { ioctl(self.0, cmd, arg) };
        to_result(result.min(0) as i32).map(|()| result)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: It was opened in `new`, and is not used again.
        unsafe { bindings::__fput_sync(self.0) }
    }
}

/// A device that goes at the end of its test.
struct Device<'t>(Option<MiscRegistration<Last>>, &'t TaskCx);

impl Drop for Device<'_> {
    fn drop(&mut self) {
        if let Some(device) = self.0.take() {
            device.free(self.1);
        }
    }
}

fn device<'t>(task: &'t TaskCx, name: &'static CStr) -> Result<Device<'t>> {
    let device = MiscRegistration::new(task, MiscDeviceOptions { name }, ())?;
    Ok(Device(Some(device), task))
}

fn read_gives_what_was_written(task: &mut TaskCx) -> Outcome {
    let _device = device(task, c"kalloc_misc")?;
    let file = Opened::new(c"/dev/kalloc_misc")?;
    check_eq!(file.write(b"seventeen")?, 9);
    let mut buffer = [0; 16];
    check_eq!(file.read(&mut buffer, 0)?, 9);
    check_eq!(&buffer[..9], b"seventeen");
    check_eq!(file.read(&mut buffer, 5)?, 4);
    check_eq!(&buffer[..4], b"teen");
    check_eq!(file.read(&mut buffer, 9)?, 0);
    drop(file);
    check_eq!(WRONG.load(Relaxed), 0);
    check_eq!(ALIVE.load(Relaxed), 0);
    Ok(())
}

fn errors_reach_the_program(task: &mut TaskCx) -> Outcome {
    let _device = device(task, c"kalloc_misc")?;
    let file = Opened::new(c"/dev/kalloc_misc")?;
    check_eq!(file.write(&[1; 65]).err(), Some(EINVAL));
    check_eq!(file.ioctl(2, 0).err(), Some(ENOTTY));
    Ok(())
}

fn ioctls(task: &mut TaskCx) -> Outcome {
    let _device = device(task, c"kalloc_misc")?;
    let file = Opened::new(c"/dev/kalloc_misc")?;
    file.write(b"four")?;
    check_eq!(file.ioctl(1, 100)?, 104);
    #[cfg(CONFIG_COMPAT)]
    {
        let compat = file.ops().compat_ioctl.ok_or(ENOTTY)?;
        // SAFETY: The file is open.
        check_eq!(unsafe { compat(file.0, 1, 100) }, 132);
    }
    check_eq!(WRONG.load(Relaxed), 0);
    Ok(())
}

fn fdinfo(task: &mut TaskCx) -> Outcome {
    let _device = device(task, c"kalloc_misc")?;
    let file = Opened::new(c"/dev/kalloc_misc")?;
    file.write(b"four")?;
    let mut buffer = [0u8; 32];
    let mut seq = bindings::seq_file {
        buf: buffer.as_mut_ptr().cast(),
        size: buffer.len(),
        ..Default::default()
    };
    let show = file.ops().show_fdinfo.ok_or(ENOTTY)?;
    // SAFETY: The file is open, and the buffer is what the sequence says.
    unsafe { show(&mut seq, file.0) };
    check_eq!(&buffer[..seq.count], b"len:\t4\n");
    Ok(())
}

fn what_is_missing_is_not_there(task: &mut TaskCx) -> Outcome {
    let device = MiscRegistration::<Bare>::new(
        task,
        MiscDeviceOptions {
            name: c"kalloc_bare",
        },
        (),
    )?;
    let file = Opened::new(c"/dev/kalloc_bare")?;
    let ops = file.ops();
    check!(ops.read_iter.is_none() && ops.write_iter.is_none() && ops.unlocked_ioctl.is_none());
    check!(ops.compat_ioctl.is_none() && ops.mmap.is_none() && ops.show_fdinfo.is_none());
    // Open files keep the module, or its end waits for them.
    check_eq!(!ops.owner.is_null(), testlib::series::FILES_HAVE_AN_OWNER);
    drop(file);
    device.free(task);
    Ok(())
}

fn allocations_use_gfp_kernel(task: &mut TaskCx) -> Outcome {
    let _device = device(task, c"kalloc_misc")?;
    let file = Opened::new(c"/dev/kalloc_misc")?;
    let (written, trace) = traced(|| file.write(b"four"));
    check_eq!(written?, 4);
    check!(trace
        .events()
        .any(|event| !event.is_free && event.size == 24 && event.gfp == GfpKernel::BITS));
    Ok(())
}

fn release_is_called_once(task: &mut TaskCx) -> Outcome {
    let _device = device(task, c"kalloc_misc")?;
    RELEASED.store(0, Relaxed);
    let files = (
        Opened::new(c"/dev/kalloc_misc")?,
        Opened::new(c"/dev/kalloc_misc")?,
    );
    check_eq!(ALIVE.load(Relaxed), 2);
    drop(files.0);
    check_eq!((RELEASED.load(Relaxed), ALIVE.load(Relaxed)), (1, 1));
    drop(files.1);
    check_eq!((RELEASED.load(Relaxed), ALIVE.load(Relaxed)), (2, 0));
    check_eq!(WRONG.load(Relaxed), 0);
    Ok(())
}

fn open_files_survive_the_registration(task: &mut TaskCx) -> Outcome {
    let device = device(task, c"kalloc_misc")?;
    let file = Opened::new(c"/dev/kalloc_misc")?;
    drop(device);
    check!(Opened::new(c"/dev/kalloc_misc").is_err());
    check_eq!(file.write(b"still")?, 5);
    drop(file);
    check_eq!(ALIVE.load(Relaxed), 0);
    Ok(())
}

fn failed_open(task: &mut TaskCx) -> Outcome {
    let _device = device(task, c"kalloc_refused")?;
    RELEASED.store(0, Relaxed);
    check_eq!(Opened::new(c"/dev/kalloc_refused").err(), Some(EBUSY));
    check_eq!((RELEASED.load(Relaxed), ALIVE.load(Relaxed)), (0, 0));
    Ok(())
}

fn device_is_dropped_with_a_lock_held(task: &mut TaskCx) -> Outcome {
    let device = MiscRegistration::<Last>::new(
        task,
        MiscDeviceOptions {
            name: c"kalloc_held",
        },
        (),
    )?;
    let lock: Pin<KBox<SpinLock<_>>> = KBox::pin_init(&task, new_spinlock!(Some(device)))?;
    // The debug kernel warns of a mutex that is taken here.
    task.locked(&lock, |device, _cx| *device = None);
    check!(wait_until(task, || Opened::new(c"/dev/kalloc_held").is_err()));
    Ok(())
}

static DEVICE: SetOnce<MiscRegistration<Last>> = SetOnce::new();

/// Nothing drops a static: the end of the module takes the device away. What is dropped after that can still ask for the
/// device.
fn device_in_a_static_is_left_at_exit(task: &mut TaskCx) -> Outcome {
    extern "C" fn device_is_there() -> bool {
        DEVICE.as_ref().is_some_and(|registration| {
            let device = registration.device();
            // CAST: `Device` is transparent over `struct device`.
            let raw: *const bindings::device = core::ptr::from_ref(device).cast();
            // SAFETY: The device is valid, as the test expects.
            let references = unsafe { (*raw).kobj.kref.refcount.refs.counter };
            references > 0 && device.name() == c"kalloc_static"
        })
    }
    let device = MiscRegistration::new(
        task,
        MiscDeviceOptions {
            name: c"kalloc_static",
        },
        (),
    )?;
    check!(DEVICE.populate(device));
    drop(Opened::new(c"/dev/kalloc_static")?);
    // SAFETY: It may be called in process context, in which the end of the module calls it.
    unsafe { c::testlib_must_hold(Some(device_is_there)) };
    Ok(())
}
