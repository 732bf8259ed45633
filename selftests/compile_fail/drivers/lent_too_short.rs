// SPDX-License-Identifier: GPL-2.0

//! Data that does not live as long as the binding.

use kalloc::{driver::{BoundScope, Loan}, prelude::*};
use kernel::types::ForLt;

pub struct Card<'bound>(&'bound u32);

pub fn lend<'d>(binding: &mut BoundScope<'d>, task: &TaskCx) -> Result<Loan<ForLt!(Card<'_>)>> {
    let number = 1;
    let card = Card(&number); //~ ERROR: does not live long enough
    binding.lend(task, &card) //~ ERROR: does not live long enough
}
