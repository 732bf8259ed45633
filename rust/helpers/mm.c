// SPDX-License-Identifier: GPL-2.0

#include <linux/mm.h>

/* The page-backed memory pools have struct page as their elements. */
void *kalloc_helper_page_address(const void *page)
{
	return page_address(page);
}

void *kalloc_helper_virt_to_page(const void *address)
{
	return virt_to_page(address);
}
