// SPDX-License-Identifier: GPL-2.0

//! A type larger than `PCPU_MIN_UNIT_SIZE`.

//@error-in-other-file: evaluation of

use kalloc::{percpu, prelude::*};

pub fn make(task: &TaskCx) -> Result<PerCpu<[u8; percpu::MAX_SIZE + 1]>> {
    Ok(PerCpu::zeroed(task)?)
}
