// SPDX-License-Identifier: GPL-2.0
/* What a driver in C writes. calls_rust.rs has the same functions, under the name rust_ and not c_. */

#include <linux/gfp.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

/* Constant size */
void *c_kmalloc_8(void) { return kmalloc(8, GFP_KERNEL); }
void *c_kmalloc_64(void) { return kmalloc(64, GFP_KERNEL); }
void *c_kmalloc_96(void) { return kmalloc(96, GFP_KERNEL); }
void *c_kmalloc_192(void) { return kmalloc(192, GFP_KERNEL); }
void *c_kmalloc_8192(void) { return kmalloc(8192, GFP_KERNEL); }
void *c_kmalloc_32768(void) { return kmalloc(32768, GFP_KERNEL); }
void *c_kzalloc_64(void) { return kzalloc(64, GFP_KERNEL); }
void *c_atomic(void) { return kmalloc(64, GFP_ATOMIC); }
void *c_account(void) { return kmalloc(64, GFP_KERNEL | __GFP_ACCOUNT); }
void *c_dma(void) { return kmalloc(64, GFP_KERNEL | __GFP_DMA); }
void *c_dma_account(void) { return kmalloc(64, GFP_KERNEL | __GFP_DMA | __GFP_ACCOUNT); }
void *c_reclaimable(void) { return kmalloc(64, GFP_KERNEL | __GFP_RECLAIMABLE | __GFP_ACCOUNT); }
void *c_node(int node) { return kmalloc_node(64, GFP_KERNEL, node); }
void *c_node_32768(int node) { return kmalloc_node(32768, GFP_KERNEL, node); }
void c_kfree(void *p) { kfree(p); }
void c_kfree_sensitive(void *p) { kfree_sensitive(p); }
void *c_vmalloc_65536(void) { return vmalloc(65536); }
void *c_vzalloc_65536(void) { return vzalloc(65536); }
void *c_vmalloc_nofs(void) { return __vmalloc(65536, GFP_NOFS); }
void *c_vmalloc_node(int node) { return vmalloc_node(65536, node); }
void *c_vzalloc_node(int node) { return vzalloc_node(65536, node); }
void c_vfree(void *p) { vfree(p); }
void *c_kvmalloc_64(void) { return kvmalloc(64, GFP_KERNEL); }
void *c_kvmalloc_65536(void) { return kvmalloc(65536, GFP_KERNEL); }
void *c_kvzalloc_65536(void) { return kvzalloc(65536, GFP_KERNEL); }
void *c_kvmalloc_node(int node) { return kvmalloc_node(65536, GFP_KERNEL, node); }
void c_kvfree(void *p) { kvfree(p); }
void c_kvfree_atomic(void *p) { kvfree_atomic(p); }
void c_kvfree_sensitive(void *p) { kvfree_sensitive(p, 65536); }

/* Tokens, which C does not have */
void *c_tokens(void) { return kmalloc(128, GFP_ATOMIC); }

/* Size known at run time */
void *c_kmalloc_n(size_t n) { return kmalloc(n, GFP_KERNEL); }
void *c_kmalloc_array_n(size_t n) { return kmalloc_array(n, 16, GFP_KERNEL); }
void *c_kcalloc_n(size_t n) { return kcalloc(n, 16, GFP_KERNEL); }
void *c_node_n(size_t n, int node) { return kmalloc_node(n, GFP_KERNEL, node); }
void *c_krealloc_n(void *p, size_t n) { return krealloc(p, n, GFP_KERNEL); }
void c_kfree_n(void *p) { kfree(p); }

/* Pages */
struct page *c_alloc_page(void) { return alloc_page(GFP_KERNEL); }
struct page *c_alloc_pages_3(void) { return alloc_pages(GFP_KERNEL, 3); }
struct page *c_alloc_pages_zero(void) { return alloc_pages(GFP_HIGHUSER | __GFP_ZERO, 2); }
struct page *c_alloc_pages_node(int node) { return alloc_pages_node(node, GFP_ATOMIC, 1); }
struct page *c_alloc_pages_n(unsigned int order) { return alloc_pages(GFP_KERNEL, order); }
void c_free_page(struct page *page) { __free_page(page); }
void c_free_pages_3(struct page *page) { __free_pages(page, 3); }
unsigned long c_get_pages_3(void) { return __get_free_pages(GFP_KERNEL, 3); }
unsigned long c_get_page_zero(void) { return __get_free_page(GFP_KERNEL | __GFP_ZERO); }
void c_free_pages_address(unsigned long address) { free_pages(address, 3); }
void *c_alloc_pages_exact_n(size_t size) { return alloc_pages_exact(size, GFP_KERNEL); }
void c_free_pages_exact_n(void *p, size_t size) { free_pages_exact(p, size); }

MODULE_DESCRIPTION("The same allocations in C and in Rust, to be compared and not to be loaded");
MODULE_LICENSE("GPL");
