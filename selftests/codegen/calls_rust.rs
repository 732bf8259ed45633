// SPDX-License-Identifier: GPL-2.0

//! What a driver in Rust writes. `calls_c.c` has the same functions, under the name `c_` and not
//! `rust_`.

#![allow(missing_docs, clippy::no_mangle_with_rust_abi)]

use core::mem::MaybeUninit;
use kalloc::{gfp::Failed, page::High, prelude::*};

type Uninit<T> = Option<KBox<MaybeUninit<T>>>;
type UninitV<T> = Option<VBox<MaybeUninit<T>>>;
type UninitKV<T> = Option<KVBox<MaybeUninit<T>>>;

// Constant size

#[no_mangle]
pub fn rust_kmalloc_8(task: Task) -> Uninit<[u8; 8]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_64(task: Task) -> Uninit<[u8; 64]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_96(task: Task) -> Uninit<[u8; 96]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_192(task: Task) -> Uninit<[u8; 192]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_8192(task: Task) -> Uninit<[u8; 8192]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kmalloc_32768(task: Task) -> Uninit<[u8; 32768]> {
    KBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kzalloc_64(task: Task) -> Option<KBox<[u8; 64]>> {
    KBox::zeroed(&task).ok()
}

#[no_mangle]
pub fn rust_atomic(cx: Atomic<'_>) -> Uninit<[u8; 64]> {
    KBox::new_uninit(&cx).ok()
}

#[no_mangle]
pub fn rust_account(task: Task) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(Kernel.account())).ok()
}

#[no_mangle]
pub fn rust_dma(task: Task) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(Kernel.dma())).ok()
}

#[no_mangle]
pub fn rust_dma_account(task: Task) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(Kernel.dma().account())).ok()
}

#[no_mangle]
pub fn rust_reclaimable(task: Task) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(Kernel.reclaimable().account())).ok()
}

#[no_mangle]
pub fn rust_node(task: Task, node: Node) -> Uninit<[u8; 64]> {
    KBox::new_uninit(task.with(Kernel).on(node)).ok()
}

#[no_mangle]
pub fn rust_node_32768(task: Task, node: Node) -> Uninit<[u8; 32768]> {
    KBox::new_uninit(task.with(Kernel).on(node)).ok()
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
pub fn rust_vmalloc_65536(task: Task) -> UninitV<[u8; 65536]> {
    VBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_vzalloc_65536(task: Task) -> Option<VBox<[u8; 65536]>> {
    VBox::zeroed(&task).ok()
}

#[no_mangle]
pub fn rust_vmalloc_nofs(cx: NoFs<'_>) -> UninitV<[u8; 65536]> {
    VBox::new_uninit(&cx).ok()
}

#[no_mangle]
pub fn rust_vmalloc_node(task: Task, node: Node) -> UninitV<[u8; 65536]> {
    VBox::new_uninit(task.on(node)).ok()
}

#[no_mangle]
pub fn rust_vzalloc_node(task: Task, node: Node) -> Option<VBox<[u8; 65536]>> {
    VBox::zeroed(task.on(node)).ok()
}

#[no_mangle]
pub fn rust_vfree(memory: VBox<MaybeUninit<[u8; 65536]>>, task: Task) {
    memory.free(&task);
}

#[no_mangle]
pub fn rust_kvmalloc_64(task: Task) -> UninitKV<[u8; 64]> {
    KVBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kvmalloc_65536(task: Task) -> UninitKV<[u8; 65536]> {
    KVBox::new_uninit(&task).ok()
}

#[no_mangle]
pub fn rust_kvzalloc_65536(task: Task) -> Option<KVBox<[u8; 65536]>> {
    KVBox::zeroed(&task).ok()
}

#[no_mangle]
pub fn rust_kvmalloc_node(task: Task, node: Node) -> UninitKV<[u8; 65536]> {
    KVBox::new_uninit(task.on(node)).ok()
}

#[no_mangle]
pub fn rust_kvfree(memory: KVBox<MaybeUninit<[u8; 65536]>>, task: Task) {
    memory.free(&task);
}

#[no_mangle]
pub fn rust_kvfree_atomic(memory: KVBox<MaybeUninit<[u8; 65536]>>) {
    drop(memory);
}

#[no_mangle]
pub fn rust_kvfree_sensitive(memory: KVBox<[u8; 65536]>, task: Task) {
    memory.free_sensitive(&task);
}

// Tokens: weakened, handed on by reference and as a grant, through generic helpers

fn by_grant<G: Grant<Flags: ForKmalloc>>(
    grant: G,
) -> Result<KBox<MaybeUninit<[u8; 128]>>, Failed<G::Flags>> {
    KBox::new_uninit(grant)
}

fn by_bound<C: Allocate<Flags: ForKmalloc>>(
    cx: &C,
) -> Result<KBox<MaybeUninit<[u8; 128]>>, Failed<C::Flags>> {
    by_grant(cx)
}

fn by_reference(cx: &mut Atomic<'_>) -> Uninit<[u8; 128]> {
    by_bound(cx).ok()
}

#[no_mangle]
pub fn rust_tokens(mut task: Task) -> Uninit<[u8; 128]> {
    by_reference(&mut task.as_atomic())
}

// Size known at run time

#[no_mangle]
pub fn rust_kmalloc_n(task: Task, n: usize) -> Option<KBox<[MaybeUninit<u8>]>> {
    KBox::<[u8]>::new_uninit_slice(&task, n).ok()
}

#[no_mangle]
pub fn rust_kmalloc_array_n(task: Task, n: usize) -> Option<KBox<[MaybeUninit<u128>]>> {
    KBox::<[u128]>::new_uninit_slice(&task, n).ok()
}

#[no_mangle]
pub fn rust_kcalloc_n(task: Task, n: usize) -> Option<KBox<[u128]>> {
    KBox::zeroed_slice(&task, n).ok()
}

#[no_mangle]
pub fn rust_node_n(task: Task, n: usize, node: Node) -> Option<KBox<[MaybeUninit<u8>]>> {
    KBox::<[u8]>::new_uninit_slice(task.with(Kernel).on(node), n).ok()
}

#[no_mangle]
pub fn rust_krealloc_n(
    memory: KBox<[MaybeUninit<u8>]>,
    task: Task,
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
pub fn rust_alloc_page(task: Task) -> UninitPages<Order<0>> {
    Pages::new_uninit(&task, Order).ok()
}

#[no_mangle]
pub fn rust_alloc_pages_3(task: Task) -> UninitPages<Order<3>> {
    Pages::new_uninit(&task, Order).ok()
}

#[no_mangle]
pub fn rust_alloc_pages_zero(task: Task) -> Option<Pages<Order<2>, u8, High>> {
    Pages::zeroed(task.with(HighUser), Order).ok()
}

#[no_mangle]
pub fn rust_alloc_pages_node(task: Task, node: Node) -> UninitPages<Order<1>> {
    Pages::new_uninit(task.with(GfpAtomic).on(node), Order).ok()
}

#[no_mangle]
pub fn rust_alloc_pages_n(task: Task, order: AnyOrder) -> UninitPages<AnyOrder> {
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
pub fn rust_get_pages_3(task: Task) -> Option<PageMem<Order<3>, MaybeUninit<u8>>> {
    PageMem::new_uninit(&task, Order).ok()
}

#[no_mangle]
pub fn rust_get_page_zero(task: Task) -> Option<PageMem> {
    PageMem::zeroed(&task, Order).ok()
}

#[no_mangle]
pub fn rust_free_pages_address(pages: PageMem<Order<3>>) {
    drop(pages);
}

#[no_mangle]
pub fn rust_alloc_pages_exact_n(task: Task, size: usize) -> Option<ExactPages<MaybeUninit<u8>>> {
    ExactPages::new_uninit(&task, size).ok()
}

#[no_mangle]
pub fn rust_free_pages_exact_n(pages: ExactPages) {
    drop(pages);
}
