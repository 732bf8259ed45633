// SPDX-License-Identifier: GPL-2.0

//! [`Checked`]: a grant for callbacks of the kernel that kalloc has no adaptor for, which asks the
//! kernel at each use.
//!
//! An adaptor's token costs nothing and is checked when the driver is built. Where there is none,
//! the choice is between the `unsafe` claim of a token ([`TaskCx::assume`]) and this. It needs no
//! `unsafe` and no promise: each allocation first asks whether the code can be preempted and is not
//! on the RCU read side, and fails if not.
//!
//! The kernel knows that only with `CONFIG_PREEMPT_COUNT`: on others there is no `Checked`, and
//! what uses it does not compile. What it cannot know is which locks are held that reclaim would
//! take: inside a file system or a block driver, NOFS and NOIO [scopes](crate::scope) hold here too.
//!
//! [`TaskCx::assume`]: crate::context::TaskCx::assume

use crate::{
    contexts::{
        grant::{
            AllowedIn,
            Grant, //
        },
        tokens::{
            NmiCx,
            TaskCx, //
        },
    },
    flags::{
        bases::GfpKernel,
        gfp::{
            AllocFailed,
            FlagsValue,
            Gfp, //
        },
        matrix::For,
        properties::MayFail, //
    },
    ground::{
        allocators::{
            KVmalloc,
            Kmalloc,
            Vmalloc, //
        },
        sealed::Sealed, //
    },
};
use kernel::bindings::gfp_t;

/// A grant, in every context, of memory that is allocated only where the code may sleep.
///
/// For boxes of kmalloc, vmalloc and kvmalloc. Elsewhere than in a context that may sleep, an
/// allocation fails as if there were no memory; [`Checked::may_sleep`] tells the two apart.
///
/// ```
/// use kalloc::{checked::Checked, prelude::*};
///
/// /// Called back by something that says nowhere whether it holds a lock.
/// fn callback(len: usize) -> Result<KVBox<[u8]>> {
///     Ok(KVBox::zeroed_slice(Checked, len)?)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Checked;

impl Checked {
    /// Whether the code may sleep here: it can be preempted and is not on the RCU read side.
    ///
    /// Takes no lock. It is false with a `spinlock_t` held, also on `CONFIG_PREEMPT_RT`, where that
    /// is on the RCU read side.
    #[inline]
    pub fn may_sleep(self) -> bool {
        // SAFETY: It has no preconditions.
        unsafe { kalloc_bindings::kalloc_helper_may_sleep() }
    }

    /// A grant of `flags`, with the same question before each use.
    ///
    /// ```
    /// use kalloc::{checked::Checked, prelude::*};
    ///
    /// fn callback() -> Result<KBox<u64>> {
    ///     Ok(KBox::new(Checked.with(GFP_KERNEL.account()), 0)?)
    /// }
    /// ```
    #[inline(always)]
    pub fn with<F: AllowedIn<TaskCx> + MayFail>(self, flags: F) -> CheckedWith<F> {
        CheckedWith(flags)
    }
}

/// A grant of the flags `F`, made by [`Checked::with`].
#[derive(Clone, Copy, Debug)]
pub struct CheckedWith<F>(F);

/// The flags `F`, where the kernel says that the code may sleep.
#[derive(Clone, Copy, Debug)]
pub struct Asked<F>(F);

impl<F: Gfp> Sealed for Asked<F> {}
impl<F: MayFail> Gfp for Asked<F> {
    const BITS: gfp_t = F::BITS;
    // A value would be used without a question.
    const FLAGS: FlagsValue = panic!("`Checked` is for kalloc's own boxes");
    type Failure = F::Failure;
    #[inline]
    fn failed() -> AllocFailed<Self> {
        AllocFailed(F::failed().0)
    }
    #[inline(always)]
    fn permitted() -> bool {
        Checked.may_sleep()
    }
}
impl<F: MayFail> MayFail for Asked<F> {}
impl<F: MayFail + For<Kmalloc>> For<Kmalloc> for Asked<F> {}
impl<F: MayFail + For<Vmalloc>> For<Vmalloc> for Asked<F> {}
impl<F: MayFail + For<KVmalloc>> For<KVmalloc> for Asked<F> {}

// The context is that of which nothing is known, and which permits nothing else.
impl Sealed for Checked {}
impl Grant for Checked {
    type Flags = Asked<GfpKernel>;
    type Context = NmiCx<'static>;
}
impl<F> Sealed for CheckedWith<F> {}
impl<F: MayFail> Grant for CheckedWith<F> {
    type Flags = Asked<F>;
    type Context = NmiCx<'static>;
}
