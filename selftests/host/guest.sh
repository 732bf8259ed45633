#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The test modules, on the kernel that KERNEL= chooses.

. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

exec scripts/vm "$KERNELDIR" 240 "$top/selftests/kalloc.sh" "$top/build/$name"
