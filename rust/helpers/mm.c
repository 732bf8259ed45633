// SPDX-License-Identifier: GPL-2.0

#include <linux/mm.h>

#include "helpers.h"

void *kalloc_helper_page_address(const struct page *page)
{
	return page_address(page);
}

struct page *kalloc_helper_virt_to_page(const void *address)
{
	return virt_to_page(address);
}

unsigned long kalloc_helper_page_to_pfn(const struct page *page)
{
	return page_to_pfn(page);
}

phys_addr_t kalloc_helper_page_to_phys(const struct page *page)
{
	return page_to_phys(page);
}

int kalloc_helper_page_count(const struct page *page)
{
	return page_count(page);
}

bool kalloc_helper_page_highmem(const struct page *page)
{
	return PageHighMem(page);
}

unsigned long kalloc_helper_totalram_pages(void)
{
	return totalram_pages();
}
