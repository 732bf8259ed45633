// SPDX-License-Identifier: GPL-2.0

//! The guard of a section, whose drop ends it: no driver can name one.

use kalloc::irq::IrqGuard; //~ ERROR: unresolved import

pub fn escape(guard: IrqGuard) {
    drop(guard)
}
