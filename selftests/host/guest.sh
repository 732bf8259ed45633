#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The test modules, or those that KALLOC_GUEST_TESTS names, on the kernel that KERNEL= chooses.
#
# Minutes: 3

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

export KALLOC_QEMU="$arch_edu${KALLOC_QEMU:+ $KALLOC_QEMU}"
read -ra tests <<<"${KALLOC_GUEST_TESTS:-}"
exec scripts/vm "$KERNELDIR" 1000 "$top/selftests/guest/kalloc.sh" "$top/build/$name" "${tests[@]}"
