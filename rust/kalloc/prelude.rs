// SPDX-License-Identifier: GPL-2.0

//! The prelude that a driver imports instead of `kernel::prelude`. It re-exports the rest of
//! `kernel::prelude`, so `KBox` has one meaning.

#[doc(no_inline)]
pub use kernel::prelude::*;

#[doc(no_inline)]
pub use crate::{
    boxed::{
        Box,
        KBox,
        KVBox,
        VBox, //
    },
    context::{
        AtomicCx,
        BhCx,
        Context,
        IrqCx,
        MayAlloc,
        MayFs,
        MayIo,
        MaySleep,
        NmiCx,
        NmiSafe,
        NoFsCx,
        NoIoCx,
        NoReclaimCx,
        NotInterrupt,
        NotNmi,
        RawCx,
        TaskCx,
        Weaken, //
    },
    devm::Devm,
    dma::{
        Coherent,
        DmaDevice, //
    },
    gfp::{
        For,
        ForKmalloc,
        ForNonblocking,
        ForPages,
        ForRealloc,
        Gfp,
        GfpAtomic,
        GfpHighUser,
        GfpHighUserMovable,
        GfpKernel,
        GfpKernelAccount,
        GfpNoFs,
        GfpNoIo,
        GfpNoReclaim,
        GfpNolock,
        GfpNowait,
        GfpUser,
        Grant,
        MayFail,
        Modify,
        WithFlags,
        GFP_ATOMIC,
        GFP_HIGHUSER,
        GFP_HIGHUSER_MOVABLE,
        GFP_KERNEL,
        GFP_KERNEL_ACCOUNT,
        GFP_NOFS,
        GFP_NOIO,
        GFP_NOLOCK,
        GFP_NORECLAIM,
        GFP_NOWAIT,
        GFP_USER, //
    },
    interop::{
        ArcExt,
        KVecExt, //
    },
    irq::{
        DisableBhExt,
        DisableExt, //
    },
    module, nmi_safe,
    node::Node,
    nolock::NolockBox,
    objpool::ObjPool,
    page::{
        AnyOrder,
        ExactPages,
        FreePages,
        MapLocal,
        Order,
        Pages, //
    },
    percpu::PerCpu,
    rcu::{
        RcuBox,
        RcuCell, //
    },
    scope::ScopeExt,
    section,
    sync::{
        LockExt,
        RawLockExt,
        RcuReadExt,
        WaitExt, //
    },
    vec::{
        KVVec,
        KVec,
        VVec,
        Vec, //
    },
};
