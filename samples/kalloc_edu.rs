// SPDX-License-Identifier: GPL-2.0

//! A driver for a real device: QEMU's `edu`, with DMA, interrupts and a character device.
//!
//! `/dev/kalloc_edu` is the 4096 bytes of memory that the device has: what a program writes goes
//! there by DMA, and what it reads comes from there. Three `ioctl()`s compute factorials and
//! inverses by the device and count its interrupts, and one clears the memory.
//! `selftests/fixtures/edu.c` is a program that does all of it.
//!
//! Nothing is freed by hand, and nothing has to be promised to the compiler.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use kalloc::{
    dma::{
        dma_rmb, dma_wmb, Coherent, DmaAddress, DmaDevice, FromDevice, MappedRange, Quiesce,
        Streaming, ToDevice,
    },
    driver::{BoundScope, Loan},
    irq::{AllocVectors, Flags, IrqReturn, ThreadedHandler, ThreadedIrqReturn, Vectors},
    miscdevice::{MiscDevice, MiscDeviceOptions, MiscDeviceRegistration},
    pci,
    prelude::*,
};
use kernel::{
    device::{Bound, Core},
    fs::{file::flags, File, Kiocb},
    io::{io_project, Io},
    ioctl::{_IO, _IOR, _IOWR},
    iov::{IovIterDest, IovIterSource},
    new_condvar, new_mutex,
    pci::{Bar, Device, DeviceId, IdTable, IrqTypes},
    sync::{CondVar, CondVarTimeoutResult, Mutex},
    time::{msecs_to_jiffies, Delta},
    types::ForLt,
    uaccess::{UserPtr, UserSlice},
};

// Registers. Those of DMA are of 64 bits, of which the device uses 28.
const ID: usize = 0x00;
const INVERT: usize = 0x04;
const FACTORIAL: usize = 0x08;
const STATUS: usize = 0x20;
const INTERRUPTS: usize = 0x24;
const ACKNOWLEDGE: usize = 0x64;
const DMA_SOURCE: usize = 0x80;
const DMA_DESTINATION: usize = 0x88;
const DMA_COUNT: usize = 0x90;
const DMA_COMMAND: usize = 0x98;

const ID_MASK: u32 = 0xffff;
const ID_EDU: u32 = 0x00ed;

/// In [`STATUS`]: it computes; and it is to raise an interrupt when it has.
const COMPUTING: u32 = 0x01;
const RAISE_INTERRUPT: u32 = 0x80;

// In DMA_COMMAND: run, from the device, and an interrupt at the end.
const DMA_RUN: u32 = 1;
const DMA_FROM_DEVICE: u32 = 2;
const DMA_INTERRUPT: u32 = 4;

// In INTERRUPTS: why.
const FACTORIAL_DONE: u32 = 0x001;
const DMA_DONE: u32 = 0x100;
/// Not of the device: the driver takes it away.
const GONE: u32 = 1 << 31;

/// Where the device has its memory, and how much.
const MEMORY: u64 = 0x40000;
const SIZE: usize = 4096;

/// The largest number whose factorial has 32 bits.
const LARGEST: u32 = 12;

#[pin_data]
struct Edu<'bound> {
    /// What has happened since it was looked at last.
    #[pin]
    came: Mutex<u32>,
    #[pin]
    changed: CondVar,
    /// From the hard half of the handler to its thread.
    pending: AtomicU32,
    latest: RcuCell<Interrupt>,
    /// How many interrupts there were.
    #[pin]
    interrupts: Mutex<Option<KBox<u32>>>,
    dma: DmaDevice<'bound>,
    /// Memory that the device and the driver see at once.
    buffer: Coherent<'bound, [u8]>,
    bar: Bar<'bound, 0x100>,
    vectors: Vectors<'bound>,
}

/// What the hard half of the handler leaves to its thread.
struct Interrupt {
    why: u32,
}

impl ThreadedHandler for Edu<'_> {
    /// A hard interrupt, or on PREEMPT_RT a thread.
    fn handle(&self, cx: &mut IrqCx<'_>) -> ThreadedIrqReturn {
        let why = self.bar.read32(INTERRUPTS);
        if why == 0 {
            return ThreadedIrqReturn::None;
        }
        self.bar.write32(why, ACKNOWLEDGE);
        self.pending.fetch_or(why, Relaxed);
        // GFP_ATOMIC
        if let Ok(interrupt) = RcuBox::new(&cx, Interrupt { why }) {
            self.latest.swap(Some(interrupt));
        }
        ThreadedIrqReturn::WakeThread
    }

    /// Process context: wakes who waits.
    fn handle_threaded(&self, task: &mut TaskCx) -> IrqReturn {
        let why =
            task.rcu_read(|guard, _cx| self.latest.load(guard).map_or(0, |latest| latest.why));
        if why != 0 {
            let mut interrupts = task.mutex_lock(&self.interrupts);
            let count = interrupts.as_ref().map_or(0, |count| **count) + 1;
            // GFP_KERNEL
            *interrupts = KBox::new(&task, count).ok();
        }
        *task.mutex_lock(&self.came) |= self.pending.swap(0, Relaxed);
        self.changed.notify_all();
        IrqReturn::Handled
    }
}

impl Edu<'_> {
    /// Waits until one of the events has come.
    fn wait<C: MaySleep>(&self, event: u32, task: &mut C) -> Result {
        let mut came = task.mutex_lock(&self.came);
        let mut patience = msecs_to_jiffies(5000);
        loop {
            if *came & GONE != 0 {
                return Err(ENODEV);
            }
            if *came & event != 0 {
                *came &= !event;
                return Ok(());
            }
            match task.wait_interruptible_timeout(&self.changed, &mut came, patience) {
                CondVarTimeoutResult::Woken { jiffies } => patience = jiffies,
                CondVarTimeoutResult::Timeout => return Err(ETIMEDOUT),
                CondVarTimeoutResult::Signal { .. } => return Err(EINTR),
            }
        }
    }

    /// Waits until the device has done what a program that was interrupted did not wait for.
    fn idle<C: MaySleep>(&self, event: u32, task: &mut C) -> Result {
        for _ in 0..5000 {
            let computes = self.bar.read32(STATUS) & COMPUTING != 0;
            if !computes && self.bar.read32(DMA_COMMAND) & DMA_RUN == 0 {
                *task.mutex_lock(&self.came) &= !event;
                return Ok(());
            }
            task.fsleep(Delta::from_millis(1));
        }
        Err(EBUSY)
    }

    fn factorial<C: MaySleep>(&self, number: u32, task: &mut C) -> Result<u32> {
        if number > LARGEST {
            return Err(EINVAL);
        }
        self.idle(FACTORIAL_DONE, task)?;
        self.bar.write32(RAISE_INTERRUPT, STATUS);
        self.bar.write32(number, FACTORIAL);
        self.wait(FACTORIAL_DONE, task)?;
        // What came may have been of a program that was interrupted.
        self.idle(FACTORIAL_DONE, task)?;
        Ok(self.bar.read32(FACTORIAL))
    }

    fn invert(&self, number: u32) -> u32 {
        self.bar.write32(number, INVERT);
        self.bar.read32(INVERT)
    }

    /// Tells the device to copy. An error says that it was not told.
    fn start<C: MaySleep>(
        &self,
        source: DmaAddress,
        destination: DmaAddress,
        len: usize,
        command: u32,
        task: &mut C,
    ) -> Result {
        self.idle(DMA_DONE, task)?;
        // The addresses have 28 bits, by the mask.
        let (source, destination) = (source.try_into()?, destination.try_into()?);
        let len = len.try_into()?;
        dma_wmb();
        self.bar.write32(source, DMA_SOURCE);
        self.bar.write32(destination, DMA_DESTINATION);
        self.bar.write32(len, DMA_COUNT);
        self.bar
            .write32(command | DMA_RUN | DMA_INTERRUPT, DMA_COMMAND);
        Ok(())
    }

    /// Waits until the device has copied.
    fn finish<C: MaySleep>(&self, task: &mut C) -> Result {
        let waited = self.wait(DMA_DONE, task);
        // A program that is interrupted waits for the device, too.
        self.idle(DMA_DONE, task)?;
        dma_rmb();
        waited
    }

    /// Writes to the device's memory, out of a buffer that is mapped for it. The data fits there.
    fn write<C: MaySleep>(&self, at: usize, data: KBox<[u8]>, task: &mut C) -> Result {
        let len = data.len();
        let data = Streaming::<_, ToDevice>::map(task, self.dma, data)?;
        let place = MEMORY + at as u64;
        let (data, ()) = data.give(|address| self.start(address, place, len, 0, task))?;
        let written = self.finish(task);
        // If the device does not stop, this is `EBUSY`, and the buffer stays until it is unbound.
        data.unmap(task, &mut Channel(self))?;
        written
    }

    /// Reads from the device's memory into a buffer that is mapped for it.
    fn read<C: MaySleep>(&self, at: usize, data: KBox<[u8]>, task: &mut C) -> Result<KBox<[u8]>> {
        let len = data.len();
        let data = Streaming::<_, FromDevice>::map(task, self.dma, data)?;
        let place = MEMORY + at as u64;
        let (data, ()) =
            data.give(|address| self.start(place, address, len, DMA_FROM_DEVICE, task))?;
        let read = self.finish(task);
        let data = data.unmap(task, &mut Channel(self))?;
        read.map(|()| data)
    }

    /// Copies through the device's memory, by memory that both see at once, and computes.
    fn is_well<C: MaySleep>(&self, task: &mut C) -> Result<bool> {
        let data = *b"kalloc and edu";
        let mut back = [0; 14];
        let (out, back_at) = (0, SIZE / 2);
        // If the device does not stop, the buffer stays until it is unbound.
        let bus = self.buffer.dma_address();
        io_project!(self.buffer, [try: out..out + data.len()]).copy_from_slice(&data);
        self.start(bus, MEMORY, data.len(), 0, task)?;
        self.finish(task)?;
        let back_bus = bus + back_at as u64;
        self.start(MEMORY, back_bus, data.len(), DMA_FROM_DEVICE, task)?;
        self.finish(task)?;
        io_project!(self.buffer, [try: back_at..back_at + data.len()]).copy_to_slice(&mut back);
        Ok(back == data && self.factorial(5, task)? == 120)
    }
}

/// The one channel for DMA, which whoever has borrowed the driver's data has alone.
struct Channel<'a, 'bound>(&'a Edu<'bound>);

impl Quiesce for Channel<'_, '_> {
    fn device(&self) -> &kernel::device::Device<Bound> {
        self.0.dma.device()
    }

    fn is_idle(&mut self, _memory: MappedRange<'_>) -> bool {
        self.0.bar.read32(DMA_COMMAND) & DMA_RUN == 0
    }
}

kernel::pci_device_table!(
    TABLE,
    <Edu<'static> as pci::Driver>::IdInfo,
    [(DeviceId::from_id(pci::vendor(0x1234), 0x11e8), ())]
);

impl pci::Driver for Edu<'_> {
    type IdInfo = ();
    type Data<'bound> = Edu<'bound>;
    const ID_TABLE: IdTable<()> = &TABLE;

    // pin_init's macros forget guards of their own.
    #[allow(clippy::mem_forget)]
    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        _id_info: Option<&'bound ()>,
        task: &mut TaskCx,
    ) -> impl PinInit<Edu<'bound>, Error> {
        pin_init::pin_init_scope(move || {
            dev.enable_device_mem()?;
            dev.set_master();
            // The device has 28 address lines.
            let dma = DmaDevice::set_mask_and_coherent::<28, _>(&task, dev)?;
            let bar = dev.iomap_region_sized::<0x100>(0, c"kalloc_edu")?;
            if bar.read32(ID) & ID_MASK != ID_EDU {
                dev_err!(dev, "the device says it is {:#x}\n", bar.read32(ID));
                return Err(ENODEV);
            }
            Ok(try_pin_init!(Edu {
                came <- new_mutex!(0),
                changed <- new_condvar!(),
                pending: AtomicU32::new(0),
                latest: RcuCell::new(RcuBox::new(&task, Interrupt { why: 0 })?),
                interrupts <- new_mutex!(None),
                buffer: Coherent::zeroed_slice(&task, dma, SIZE)?,
                dma,
                bar,
                vectors: dev.irq_vectors(&task, 1, 1, IrqTypes::all())?,
            }))
        })
    }

    fn start<'d, 'bound>(
        dev: &'bound Device<Bound>,
        this: Pin<&'d Edu<'bound>>,
        binding: &mut BoundScope<'d>,
        task: &mut TaskCx,
    ) -> Result {
        let edu = this.get_ref();
        let line = edu.vectors.index(0)?;
        binding.request_threaded_irq(&task, line, Flags::new().shared(), c"kalloc_edu", edu)?;
        if !edu.is_well(task)? {
            dev_err!(dev, "the device does not do what it should\n");
            return Err(EIO);
        }
        let lent = binding.lend::<ForLt!(Edu<'_>), _>(task, edu)?;
        let options = MiscDeviceOptions {
            name: c"kalloc_edu",
        };
        binding.misc_register::<OpenFile, _>(task, options, lent)?;
        dev_info!(dev, "DMA and interrupts work\n");
        Ok(())
    }

    /// Whoever waits stops, and the device does too. What it uses is freed after this, with bus
    /// mastering off.
    fn unbind<'bound>(_dev: &'bound Device<Bound>, this: Pin<&Edu<'bound>>, task: &mut TaskCx) {
        *task.mutex_lock(&this.came) |= GONE;
        this.changed.notify_all();
        let _ = this.idle(0, task);
    }
}

const GET_FACTORIAL: u32 = _IOWR::<u32>('e' as u32, 1);
const GET_INVERSE: u32 = _IOWR::<u32>('e' as u32, 2);
const GET_INTERRUPTS: u32 = _IOR::<u32>('e' as u32, 3);
const CLEAR: u32 = _IO('e' as u32, 4);

/// A file that a program has opened. It may stay open longer than the device is there.
struct OpenFile {
    edu: Loan<ForLt!(Edu<'_>)>,
}

/// How much of `len` bytes from `position` the device has.
fn within(position: i64, len: usize) -> Result<(usize, usize)> {
    let at = usize::try_from(position)?;
    if at > SIZE {
        return Err(EINVAL);
    }
    Ok((at, len.min(SIZE - at)))
}

/// A buffer for DMA. With 28 address lines the device reaches the lowest 256 MiB, where the kernel
/// keeps a zone of 16.
fn room(task: &TaskCx, len: usize) -> Result<KBox<[u8]>> {
    Ok(KBox::zeroed_slice(task.with(GFP_KERNEL.dma()), len)?)
}

#[vtable]
impl MiscDevice for OpenFile {
    type Ptr = Pin<KBox<Self>>;
    type Data = Loan<ForLt!(Edu<'_>)>;

    fn open(
        _file: &File,
        misc: &MiscDeviceRegistration<Self>,
        task: &mut TaskCx,
    ) -> Result<Self::Ptr> {
        Ok(KBox::pin(
            &task,
            OpenFile {
                edu: misc.data().clone(),
            },
        )?)
    }

    fn read_iter(
        mut kiocb: Kiocb<'_, Self::Ptr>,
        iov: &mut IovIterDest<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        let (at, len) = within(kiocb.ki_pos(), iov.len())?;
        if len == 0 {
            return Ok(0);
        }
        let data = room(task, len)?;
        let file = kiocb.file();
        let data = file
            .edu
            .with(task, |edu, task| edu.read(at, data, task))??;
        let copied = iov.copy_to_iter(&data);
        if copied == 0 {
            return Err(EFAULT);
        }
        *kiocb.ki_pos_mut() += copied as i64;
        Ok(copied)
    }

    fn write_iter(
        mut kiocb: Kiocb<'_, Self::Ptr>,
        iov: &mut IovIterSource<'_>,
        task: &mut TaskCx,
    ) -> Result<usize> {
        let (at, len) = within(kiocb.ki_pos(), iov.len())?;
        if len < iov.len() {
            return Err(EINVAL);
        }
        if len == 0 {
            return Ok(0);
        }
        let mut data = room(task, len)?;
        if iov.copy_from_iter(&mut data) != len {
            return Err(EFAULT);
        }
        let file = kiocb.file();
        file.edu
            .with(task, |edu, task| edu.write(at, data, task))??;
        *kiocb.ki_pos_mut() += len as i64;
        Ok(len)
    }

    fn ioctl(
        this: Pin<&Self>,
        file: &File,
        cmd: u32,
        arg: usize,
        task: &mut TaskCx,
    ) -> Result<isize> {
        let user = || UserSlice::new(UserPtr::from_addr(arg), size_of::<u32>());
        match cmd {
            GET_FACTORIAL => {
                let number = user().reader().read::<u32>()?;
                let result = this
                    .edu
                    .with(task, |edu, task| edu.factorial(number, task))??;
                user().writer().write(&result)?;
            }
            GET_INVERSE => {
                let number = user().reader().read::<u32>()?;
                let result = this.edu.with(task, |edu, _task| edu.invert(number))?;
                user().writer().write(&result)?;
            }
            GET_INTERRUPTS => {
                let count = this.edu.with(task, |edu, task| {
                    let interrupts = task.mutex_lock(&edu.interrupts);
                    interrupts.as_ref().map_or(0, |count| **count)
                })?;
                user().writer().write(&count)?;
            }
            CLEAR => {
                if file.flags() & flags::O_ACCMODE == flags::O_RDONLY {
                    return Err(EPERM);
                }
                let zeros = room(task, SIZE)?;
                this.edu
                    .with(task, |edu, task| edu.write(0, zeros, task))??;
            }
            _ => return Err(ENOTTY),
        }
        Ok(0)
    }
}

kalloc::module_pci_driver! {
    type: Edu<'static>,
    name: "kalloc_edu",
    authors: ["The kalloc authors"],
    description: "kalloc sample: a driver for QEMU's edu device",
    license: "GPL",
}
