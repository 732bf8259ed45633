// SPDX-License-Identifier: GPL-2.0

//! A part of test modules that test drivers: platform devices without hardware.

// No test module uses all of it.
#![allow(dead_code)]

use core::ptr::NonNull;
use kalloc::prelude::*;
use kernel::{bindings, error::from_err_ptr};

/// A platform device, gone when this is dropped, to which a driver of the same name binds.
///
/// # Invariants
///
/// The pointer is to a registered platform device that is ours.
pub(crate) struct PlatformDevice(NonNull<bindings::platform_device>);

impl PlatformDevice {
    /// Registers it; a driver that is there already is probed before this returns.
    pub(crate) fn new<C: MaySleep>(cx: &C, name: &'static CStr) -> Result<Self> {
        Self::numbered(cx, name, bindings::PLATFORM_DEVID_NONE)
    }

    /// The same, one of several with that name.
    pub(crate) fn numbered<C: MaySleep>(_cx: &C, name: &'static CStr, id: i32) -> Result<Self> {
        let info = bindings::platform_device_info {
            name: name.as_char_ptr(),
            id,
            ..Default::default()
        };
        // SAFETY: `info` is valid for the call, which copies what it needs.
        let device = from_err_ptr(unsafe { bindings::platform_device_register_full(&info) })?;
        // INVARIANT: It was registered just now.
        NonNull::new(device).map(Self).ok_or(ENODEV)
    }

    pub(crate) fn device(&self) -> *mut bindings::device {
        // SAFETY: By the invariant.
        unsafe { &raw mut (*self.0.as_ptr()).dev }
    }

    /// Whether a driver has it.
    pub(crate) fn is_bound(&self) -> bool {
        // SAFETY: By the invariant.
        unsafe { bindings::device_is_bound(self.device()) }
    }

    /// Takes it from its driver, as `unbind` in sysfs does.
    pub(crate) fn unbind<C: MaySleep>(&self, _cx: &C) {
        // SAFETY: By the invariant; this may sleep.
        unsafe { bindings::device_release_driver(self.device()) }
    }

    /// Looks for a driver, as `bind` in sysfs does. Whether there is one.
    pub(crate) fn bind<C: MaySleep>(&self, _cx: &C) -> Result<bool> {
        // SAFETY: By the invariant; this may sleep.
        let found = unsafe { bindings::device_attach(self.device()) };
        kernel::error::to_result(found.min(0))?;
        Ok(found == 1)
    }
}

impl Drop for PlatformDevice {
    fn drop(&mut self) {
        // SAFETY: By the invariant; the tests drop it in process context.
        unsafe { bindings::platform_device_unregister(self.0.as_ptr()) }
    }
}

// SAFETY: The kernel's devices are for every thread.
unsafe impl Send for PlatformDevice {}

/// Waits until the devices that were deferred have been tried again.
pub(crate) fn wait_for_device_probe<C: MaySleep>(_cx: &C) {
    // SAFETY: It sleeps, which the caller may.
    unsafe { bindings::wait_for_device_probe() }
}
