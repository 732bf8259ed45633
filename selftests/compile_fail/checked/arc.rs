// SPDX-License-Identifier: GPL-2.0

//! The kernel crate's containers, which do not ask.

use kalloc::{checked::Checked, prelude::*};
use kernel::sync::Arc;

pub fn shared() -> Result<Arc<u32>> {
    Ok(Arc::new_with(Checked, 1)?) //~ ERROR: krealloc does not accept
}
