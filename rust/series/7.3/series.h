/* SPDX-License-Identifier: GPL-2.0 */
/* All that kalloc needs of C is in Linux 7.3. */
