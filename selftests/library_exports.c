// SPDX-License-Identifier: GPL-2.0
/* Exports the Rust symbols of kalloc_library.ko, as rust/exports.c does for kalloc.ko. */

#include <linux/export.h>

#define EXPORT_SYMBOL_RUST_GPL(sym) extern int sym; EXPORT_SYMBOL_GPL(sym)

#include "library_exports_generated.h"
