// SPDX-License-Identifier: GPL-2.0

// What the tests use of the kernel crate of Linux 7.2, under the names of the newest series.

/// Disables interrupts while the result lives. The kernel crate can since 7.3.
pub(crate) const LOCAL_INTERRUPT_DISABLE: Option<fn() -> Guard> = None;
pub(crate) struct Guard;

/// The head that `kvfree_rcu()` needs.
pub(crate) use kernel::bindings::callback_head as kvfree_rcu_head;

/// Whether a lock is taken.
pub(crate) fn is_taken<T>(lock: &kalloc::sync::SpinLockIrq<T>) -> bool {
    lock.is_taken()
}

/// The value of a parameter of the module.
macro_rules! parameter {
    ($name:ident) => {
        *module_parameters::$name.value()
    };
}
pub(crate) use parameter;

/// A table of devices, by the macro of the bus.
macro_rules! device_table {
    ($macro:ident, $table:ident, $($rest:tt)*) => {
        kernel::$macro!($table, MODULE_TABLE, $($rest)*);
    };
}
pub(crate) use device_table;

/// The device of a registration, which is bound.
pub(crate) fn faux_device(
    registration: &kernel::faux::Registration,
) -> &kernel::device::Device<kernel::device::Bound> {
    let device: &kernel::device::Device = registration.as_ref();
    // SAFETY: A device of the faux bus is bound while it is registered.
    unsafe { device.as_bound() }
}

pub(crate) const DMA_FROM_DEVICE: kernel::bindings::dma_data_direction =
    kernel::bindings::dma_data_direction_DMA_FROM_DEVICE;

/// Whether the file operations of a misc device name their module.
pub(crate) const FILES_HAVE_AN_OWNER: bool = false;
