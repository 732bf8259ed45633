// SPDX-License-Identifier: GPL-2.0

//! Data of a device that is lent, which waits for a mutex, with a lock held.

use kalloc::{driver::Loan, prelude::*};
use kernel::{sync::SpinLock, types::ForLt};

pub struct Card<'bound>(&'bound u32);

pub fn read(card: &Loan<ForLt!(Card<'_>)>, lock: &SpinLock<u32>, task: &mut TaskCx) -> Result<u32> {
    task.locked(lock, |_, cx| card.with(cx, |card, _cx| *card.0)) //~ ERROR: may sleep
}
