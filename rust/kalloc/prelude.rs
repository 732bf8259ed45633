// SPDX-License-Identifier: GPL-2.0

//! What a driver imports instead of `kernel::prelude`, the rest of which it re-exports: `KBox`
//! means one thing.

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
        Allocate,
        Atomic,
        Bh,
        Context,
        Irq,
        Memalloc,
        Nmi,
        NmiSafe,
        NoFs,
        NoIo,
        NotInterrupt,
        NotNmi,
        Raw,
        Sleep,
        SleepFs,
        SleepIo,
        Task,
        Weaken, //
    },
    devm::Devm,
    dma::{
        Coherent,
        Dma, //
    },
    gfp::{
        For,
        ForCoherent,
        ForDevm,
        ForDevmRealloc,
        ForKVmalloc,
        ForKVrealloc,
        ForKmalloc,
        ForKrealloc,
        ForNonblocking,
        ForPages,
        ForPagesBulk,
        ForPagesExact,
        ForRealloc,
        ForVmalloc,
        ForVrealloc,
        Gfp,
        GfpAtomic,
        GfpNoFs,
        GfpNoIo,
        GfpNowait,
        Grant,
        HighUser,
        HighUserMovable,
        Kernel,
        KernelAccount,
        MayFail,
        Modify,
        NoReclaim,
        Nolock,
        User,
        WithFlags, //
    },
    irq::{
        Disable,
        DisableBh, //
    },
    module, nmi_safe,
    node::Node,
    nolock::NolockBox,
    objpool::ObjPool,
    page::{
        AnyOrder,
        ExactPages,
        MapLocal,
        Order,
        PageMem,
        Pages, //
    },
    percpu::PerCpu,
    rcu::{
        RcuBox,
        RcuCell, //
    },
    scope::Scope,
    section,
    sync::{
        Lock,
        LockRaw,
        RcuRead,
        Wait, //
    },
    upstream::{
        ArcExt,
        KVecExt, //
    },
    vec::{
        KVVec,
        KVec,
        VVec,
        Vec, //
    },
};
