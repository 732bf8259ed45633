// SPDX-License-Identifier: GPL-2.0

//! Data of a device that is kept beyond the loan.

use kalloc::{driver::Loan, prelude::*};
use kernel::types::ForLt;

pub struct Card<'bound>(&'bound u32);

pub fn keep<'a>(card: &'a Loan<ForLt!(Card<'_>)>, task: &mut TaskCx) -> Result<&'a u32> {
    card.with(task, |card, _task| card.0) //~ ERROR: lifetime may not live long enough
}
