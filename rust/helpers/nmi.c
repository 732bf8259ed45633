// SPDX-License-Identifier: GPL-2.0

#ifdef CONFIG_X86
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <asm/nmi.h>

#include "helpers.h"

static LIST_HEAD(local_nmis);
static LIST_HEAD(unknown_nmis);
static DEFINE_MUTEX(nmis_lock);

/* Runs in NMI context, under rcu_read_lock(). */
static int handle_nmi(struct list_head *nmis)
{
	struct kalloc_nmi *nmi;
	int handled = 0;

	list_for_each_entry_rcu(nmi, nmis, list)
		handled += nmi->fn(nmi);
	return handled;
}

static int handle_local_nmi(unsigned int type, struct pt_regs *regs)
{
	return handle_nmi(&local_nmis);
}

static int handle_unknown_nmi(unsigned int type, struct pt_regs *regs)
{
	return handle_nmi(&unknown_nmis);
}

/**
 * kalloc_helper_register_nmi() - Add an NMI handler.
 * @nmi: the handler
 * @fn: called in NMI context; returns true if the NMI was its own
 * @unknown: handle NMIs that no other handler has claimed (NMI_UNKNOWN), instead of NMI_LOCAL
 *
 * Context: Process context. May sleep.
 * Return: 0 or an error.
 */
int kalloc_helper_register_nmi(struct kalloc_nmi *nmi, bool (*fn)(struct kalloc_nmi *nmi),
			       bool unknown)
{
	struct list_head *nmis = unknown ? &unknown_nmis : &local_nmis;
	int err = 0;

	*nmi = (struct kalloc_nmi){ .fn = fn, .unknown = unknown, .listed = true };
	mutex_lock(&nmis_lock);
	if (list_empty(nmis) && unknown)
		err = register_nmi_handler(NMI_UNKNOWN, handle_unknown_nmi, 0, "kalloc");
	else if (list_empty(nmis))
		err = register_nmi_handler(NMI_LOCAL, handle_local_nmi, 0, "kalloc");
	if (!err)
		list_add_tail_rcu(&nmi->list, nmis);
	mutex_unlock(&nmis_lock);
	return err;
}

/**
 * kalloc_helper_unregister_nmi() - Remove an NMI handler and wait until it does not run.
 * @nmi: the handler
 *
 * Context: Process context. May sleep.
 */
void kalloc_helper_unregister_nmi(struct kalloc_nmi *nmi)
{
	mutex_lock(&nmis_lock);
	if (!nmi->listed) {
		mutex_unlock(&nmis_lock);
		return;
	}
	nmi->listed = false;
	list_del_rcu(&nmi->list);
	if (list_empty(nmi->unknown ? &unknown_nmis : &local_nmis))
		unregister_nmi_handler(nmi->unknown ? NMI_UNKNOWN : NMI_LOCAL, "kalloc");
	mutex_unlock(&nmis_lock);
	synchronize_rcu();
}
#endif
