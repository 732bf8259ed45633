#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Booted with slab_nomerge, the kernel shows every slab cache: none is left when the modules are unloaded.
#
# Cells: stock rt

. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

KALLOC_APPEND="${KALLOC_APPEND:-} slab_nomerge" exec scripts/vm "$KERNELDIR" 600 "$top/selftests/nomerge.sh" "$top/build/$name"
