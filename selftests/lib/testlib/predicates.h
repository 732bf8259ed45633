/* SPDX-License-Identifier: GPL-2.0 */
/* PREDICATE(TYPE, NAME, (PARAMETERS), EXPRESSION): testlib_NAME() returns the expression. Included for each use. */

/* Where the code runs. */
PREDICATE(bool, irqs_disabled, (void), irqs_disabled())
PREDICATE(bool, preemptible, (void), preemptible())
PREDICATE(unsigned int, preempt_count, (void), preempt_count())
PREDICATE(int, rcu_read_lock_held, (void), rcu_preempt_depth())
PREDICATE(bool, in_nofs_scope, (void), current->flags & PF_MEMALLOC_NOFS)
PREDICATE(bool, in_noio_scope, (void), current->flags & PF_MEMALLOC_NOIO)
PREDICATE(bool, in_noreclaim_scope, (void), current->flags & PF_MEMALLOC)
PREDICATE(bool, in_nmi, (void), in_nmi())
PREDICATE(bool, in_hardirq, (void), in_hardirq())
PREDICATE(bool, in_softirq, (void), in_softirq())
PREDICATE(bool, in_serving_softirq, (void), in_serving_softirq())
/* Whether the current thread is that of an interrupt line, and whether the line has a handler. */
PREDICATE(bool, in_irq_thread, (void),
	  in_task() && (current->flags & PF_KTHREAD) && strstarts(current->comm, "irq/"))
PREDICATE(bool, irq_has_action, (unsigned int irq), irq_has_action(irq))

/* CPUs, and how often the current thread has left one of its own accord. */
PREDICATE(unsigned int, possible_cpus, (void), num_possible_cpus())
PREDICATE(unsigned int, this_cpu, (void), raw_smp_processor_id())
PREDICATE(unsigned long, voluntary_switches, (void), current->nvcsw)

/* Physical address, page frame (of vmalloc too) and node of kernel memory. */
PREDICATE(phys_addr_t, phys, (const void *ptr), virt_to_phys((void *)ptr))
PREDICATE(unsigned long, pfn, (const void *ptr),
	  page_to_pfn(is_vmalloc_addr(ptr) ? vmalloc_to_page(ptr) : virt_to_page(ptr)))
PREDICATE(int, node, (const void *ptr), page_to_nid(virt_to_page(ptr)))
/* Whether it is an address of vmalloc, whether there is memory at it, and on which node. */
PREDICATE(bool, is_vmalloc, (const void *ptr), is_vmalloc_addr(ptr))
PREDICATE(bool, vmalloc_mapped, (const void *ptr), vmalloc_to_page(ptr))
PREDICATE(int, vmalloc_node, (const void *ptr), page_to_nid(vmalloc_to_page(ptr)))

/* A page frame. */
PREDICATE(bool, page_compound, (unsigned long pfn), PageCompound(pfn_to_page(pfn)))
PREDICATE(unsigned int, page_order, (unsigned long pfn), compound_order(pfn_to_page(pfn)))
PREDICATE(int, page_count, (unsigned long pfn), page_ref_count(pfn_to_page(pfn)))

/* Pages of the machine, and the order up to which the page allocator goes. */
PREDICATE(unsigned long, totalram_pages, (void), totalram_pages())
PREDICATE(unsigned int, max_page_order, (void), MAX_PAGE_ORDER)

/* Whether dma_sync_*() do something for the device. */
PREDICATE(bool, dma_need_sync, (const void *dev), dma_dev_need_sync(dev))

#undef PREDICATE
