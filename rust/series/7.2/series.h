/* SPDX-License-Identifier: GPL-2.0 */
/* What kalloc's C helpers need of Linux 7.2, under the names of the newest series. */

#ifndef KALLOC_SERIES_H
#define KALLOC_SERIES_H

/* kvfree_rcu() takes a struct rcu_head, which is this struct, until 7.3. */
#define kvfree_rcu_head callback_head

#endif
