#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Nothing is left behind when the modules are unloaded: no slab cache, of which a kernel booted with slab_nomerge shows
# every one, no area of vmalloc, no per-CPU memory, no page. And a page that a module leaks is seen.
# Kernels: stock
# Minutes: 3

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

export KALLOC_APPEND="${KALLOC_APPEND:-} slab_nomerge"
exec scripts/vm "$KERNELDIR" 600 "$top/selftests/guest/nomerge.sh" "$top/build/$name"
