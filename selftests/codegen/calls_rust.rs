// SPDX-License-Identifier: GPL-2.0

//! What a driver in Rust writes. `calls_c.c` has the same functions, under the name `c_` and not
//! `rust_`.

#![allow(missing_docs, clippy::no_mangle_with_rust_abi)]

use core::mem::MaybeUninit;
use kalloc::{gfp::AllocFailed, page::High, prelude::*};

type Uninit<T> = Option<KBox<MaybeUninit<T>>>;
type UninitV<T> = Option<VBox<MaybeUninit<T>>>;
type UninitKV<T> = Option<KVBox<MaybeUninit<T>>>;

// Constant size

#[no_mangle]
pub fn rust_kmalloc_8(task: TaskCx) -> Uninit<[u8; 8]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_64(task: TaskCx) -> Uninit<[u8; 64]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_96(task: TaskCx) -> Uninit<[u8; 96]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_192(task: TaskCx) -> Uninit<[u8; 192]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_8192(task: TaskCx) -> Uninit<[u8; 8192]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_32768(task: TaskCx) -> Uninit<[u8; 32768]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kzalloc_64(task: TaskCx) -> Option<KBox<[u8; 64]>> {
    KBox::zeroed(&task).ok()
}

#[no_mangle]
pub fn rust_atomic(cx: AtomicCx<'_>) -> Uninit<[u8; 64]> {
    KBox::new_uninit(&cx).ok()
}

#[no_mangle]
pub fn rust_account(task: TaskCx) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(GFP_KERNEL.account())).ok()
}

#[no_mangle]
pub fn rust_dma(task: TaskCx) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(GFP_KERNEL.dma())).ok()
}

#[no_mangle]
pub fn rust_dma_account(task: TaskCx) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(GFP_KERNEL.dma().account())).ok()
}

#[no_mangle]
pub fn rust_reclaimable(task: TaskCx) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(GFP_KERNEL.reclaimable().account())).ok()
}

#[no_mangle]
pub fn rust_node(task: TaskCx, node: Node) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(GFP_KERNEL).on(node)).ok()
}

#[no_mangle]
pub fn rust_node_32768(task: TaskCx, node: Node) -> Uninit<[u8; 32768]> {
    KBox::new_uninit(task.with(GFP_KERNEL).on(node)).ok()
}

#[no_mangle]
pub fn rust_kfree(memory: KBox<MaybeUninit<[u8; 64]>>) {
    drop(memory);
}

#[no_mangle]
pub fn rust_kfree_sensitive(memory: KBox<[u8; 64]>) {
    memory.free_sensitive();
}

#[no_mangle]
pub fn rust_vmalloc_65536(task: TaskCx) -> UninitV<[u8; 65536]> {
    VBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_vzalloc_65536(task: TaskCx) -> Option<VBox<[u8; 65536]>> {
    VBox::zeroed(&task).ok()
}

#[no_mangle]
pub fn rust_vmalloc_nofs(cx: NoFsCx<'_>) -> UninitV<[u8; 65536]> {
    VBox::new_uninit(&cx).ok()
}

#[no_mangle]
pub fn rust_vmalloc_node(task: TaskCx, node: Node) -> UninitV<[u8; 65536]> {
    VBox::new_uninit(task.on(node)).ok()
}

#[no_mangle]
pub fn rust_vzalloc_node(task: TaskCx, node: Node) -> Option<VBox<[u8; 65536]>> {
    VBox::zeroed(task.on(node)).ok()
}

#[no_mangle]
pub fn rust_vfree(memory: VBox<MaybeUninit<[u8; 65536]>>, task: TaskCx) {
    memory.free(&task);
}

#[no_mangle]
pub fn rust_kvmalloc_64(task: TaskCx) -> UninitKV<[u8; 64]> {
    KVBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kvmalloc_65536(task: TaskCx) -> UninitKV<[u8; 65536]> {
    KVBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kvzalloc_65536(task: TaskCx) -> Option<KVBox<[u8; 65536]>> {
    KVBox::zeroed(&task).ok()
}

#[no_mangle]
pub fn rust_kvmalloc_node(task: TaskCx, node: Node) -> UninitKV<[u8; 65536]> {
    KVBox::new_uninit(task.on(node)).ok()
}

#[no_mangle]
pub fn rust_kvfree(memory: KVBox<MaybeUninit<[u8; 65536]>>, task: TaskCx) {
    memory.free(&task);
}

#[no_mangle]
pub fn rust_kvfree_atomic(memory: KVBox<MaybeUninit<[u8; 65536]>>) {
    drop(memory);
}

#[no_mangle]
pub fn rust_kvfree_sensitive(memory: KVBox<[u8; 65536]>, task: TaskCx) {
    memory.free_sensitive(&task);
}

// Tokens: weakened, handed on by reference and as a grant, through generic helpers

fn by_grant<G: Grant<Flags: ForKmalloc>>(
    grant: G,
) -> Result<KBox<MaybeUninit<[u8; 128]>>, AllocFailed<G::Flags>> {
    KBox::new_uninit(grant)
}

fn by_bound<C: MayAlloc<Flags: ForKmalloc>>(
    cx: &C,
) -> Result<KBox<MaybeUninit<[u8; 128]>>, AllocFailed<C::Flags>> {
    by_grant(cx)
}

fn by_reference(cx: &mut AtomicCx<'_>) -> Uninit<[u8; 128]> {
    by_bound(cx).ok()
}

#[no_mangle]
pub fn rust_tokens(mut task: TaskCx) -> Uninit<[u8; 128]> {
    by_reference(&mut task.as_atomic())
}

// Size known at run time

#[no_mangle]
pub fn rust_kmalloc_n(task: TaskCx, n: usize) -> Option<KBox<[MaybeUninit<u8>]>> {
    KBox::<[u8]>::new_uninit_slice(&task, n).ok()
}

#[no_mangle]
pub fn rust_kmalloc_array_n(task: TaskCx, n: usize) -> Option<KBox<[MaybeUninit<u128>]>> {
    KBox::<[u128]>::new_uninit_slice(&task, n).ok()
}

#[no_mangle]
pub fn rust_kcalloc_n(task: TaskCx, n: usize) -> Option<KBox<[u128]>> {
    KBox::zeroed_slice(&task, n).ok()
}

#[no_mangle]
pub fn rust_node_n(task: TaskCx, n: usize, node: Node) -> Option<KBox<[MaybeUninit<u8>]>> {
    KBox::<[u8]>::new_uninit_slice(task.with(GFP_KERNEL).on(node), n).ok()
}

#[no_mangle]
pub fn rust_krealloc_n(
    memory: KBox<[MaybeUninit<u8>]>,
    task: TaskCx,
    n: usize,
) -> KBox<[MaybeUninit<u8>]> {
    memory
        .realloc(&task, n)
        .unwrap_or_else(|failed| failed.value)
}

#[no_mangle]
pub fn rust_kfree_n(memory: KBox<[u8]>) {
    drop(memory);
}

// Pages

type UninitPages<O> = Option<Pages<O, MaybeUninit<u8>>>;

#[no_mangle]
pub fn rust_alloc_page(task: TaskCx) -> UninitPages<Order<0>> {
    Pages::new_uninit(&task, Order).ok()
}

#[no_mangle]
pub fn rust_alloc_pages_3(task: TaskCx) -> UninitPages<Order<3>> {
    Pages::new_uninit(&task, Order).ok()
}

#[no_mangle]
pub fn rust_alloc_pages_zero(task: TaskCx) -> Option<Pages<Order<2>, u8, High>> {
    Pages::zeroed(task.with(GFP_HIGHUSER), Order).ok()
}

#[no_mangle]
pub fn rust_alloc_pages_node(task: TaskCx, node: Node) -> UninitPages<Order<1>> {
    Pages::new_uninit(task.with(GFP_ATOMIC).on(node), Order).ok()
}

#[no_mangle]
pub fn rust_alloc_pages_n(task: TaskCx, order: AnyOrder) -> UninitPages<AnyOrder> {
    Pages::new_uninit(&task, order).ok()
}

#[no_mangle]
pub fn rust_free_page(page: Pages) {
    drop(page);
}

#[no_mangle]
pub fn rust_free_pages_3(pages: Pages<Order<3>>) {
    drop(pages);
}

#[no_mangle]
pub fn rust_get_pages_3(task: TaskCx) -> Option<FreePages<Order<3>, MaybeUninit<u8>>> {
    FreePages::new_uninit(&task, Order).ok()
}

#[no_mangle]
pub fn rust_get_page_zero(task: TaskCx) -> Option<FreePages> {
    FreePages::zeroed(&task, Order).ok()
}

#[no_mangle]
pub fn rust_free_pages_address(pages: FreePages<Order<3>>) {
    drop(pages);
}

#[no_mangle]
pub fn rust_alloc_pages_exact_n(task: TaskCx, size: usize) -> Option<ExactPages<MaybeUninit<u8>>> {
    ExactPages::new_uninit(&task, size).ok()
}

#[no_mangle]
pub fn rust_free_pages_exact_n(pages: ExactPages) {
    drop(pages);
}
