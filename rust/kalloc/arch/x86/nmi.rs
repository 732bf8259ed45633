// SPDX-License-Identifier: GPL-2.0

//! The NMIs that drivers can handle.
//!
//! C header: [`arch/x86/include/asm/nmi.h`](srctree/arch/x86/include/asm/nmi.h)

pub(crate) use kalloc_bindings::{
    kalloc_helper_register_nmi as register,
    kalloc_helper_unregister_nmi as unregister,
    kalloc_nmi as Nmi, //
};

/// Has NMIs that drivers can handle, which every context does.
#[doc(hidden)]
pub trait HasNmis {}
impl<T: ?Sized> HasNmis for T {}
