#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Unloaded modules leave no slab cache, vmalloc area, per-CPU memory or page behind. A kernel booted with slab_nomerge shows
# every slab cache. The test also sees the pages of a module that leaks.
# Kernels: stock
# Minutes: 3

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

export KALLOC_APPEND="${KALLOC_APPEND:-} slab_nomerge"
exec scripts/vm "$KERNELDIR" 600 "$top/selftests/guest/nomerge.sh" "$top/build/$name"
