// SPDX-License-Identifier: GPL-2.0

//@ normalize-stderr-test: "[0-9]{5,}" -> "NUMBER"

//! A type that contains a macro is another type where it is checked.

use kalloc::nmi_safe;

nmi_safe! { //~ ERROR: mismatched types
    pub struct Watch {
        pub last: [(); id(include_bytes!("/proc/sys/kernel/random/uuid"))],
    }
}

const fn id(uuid: &[u8]) -> usize {
    let mut id = 1;
    let mut i = 0;
    while i < 7 {
        id = id * 256 + uuid[i] as usize;
        i += 1;
    }
    id
}
