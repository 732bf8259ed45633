// SPDX-License-Identifier: GPL-2.0

// What the tests use of the kernel crate of Linux 7.3 and other series have in another form.

/// Disables interrupts while the result lives, if the kernel crate has that.
pub(crate) const LOCAL_INTERRUPT_DISABLE: Option<
    fn() -> kernel::interrupt::LocalInterruptDisabled,
> = Some(kernel::interrupt::local_interrupt_disable);

/// The head that `kvfree_rcu()` needs.
pub(crate) use kernel::bindings::kvfree_rcu_head;

/// Whether a lock is taken.
pub(crate) fn is_taken<T>(lock: &kalloc::sync::SpinLockIrq<T>) -> bool {
    lock.try_lock().is_none()
}

/// The value of a parameter of the module.
macro_rules! parameter {
    ($name:ident) => {
        module_parameters::$name.value()
    };
}
pub(crate) use parameter;

/// A table of devices, by the macro of the bus.
macro_rules! device_table {
    ($macro:ident, $table:ident, $($rest:tt)*) => {
        kernel::$macro!($table, $($rest)*);
    };
}
pub(crate) use device_table;

/// The device of a registration, which is bound.
pub(crate) fn faux_device(
    registration: &kernel::faux::Registration,
) -> &kernel::device::Device<kernel::device::Bound> {
    let device: &kernel::faux::Device<kernel::device::Bound> = registration.as_ref();
    device.as_ref()
}

pub(crate) const DMA_FROM_DEVICE: kernel::bindings::dma_data_direction =
    kernel::bindings::dma_data_direction::DMA_FROM_DEVICE;

/// Whether the file operations of a misc device name their module.
pub(crate) const FILES_HAVE_AN_OWNER: bool = true;
