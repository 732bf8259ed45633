#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver for a real device, samples/kalloc_edu.ko, and the same in C, edu_c.ko of selftests/fixtures/: driven by one
# program of the guest, as they should be and as they should not, with the device taken away meanwhile.
#
# Minutes: 1
# Kernels: stock rt debug arm64

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

export KALLOC_QEMU="$arch_edu${KALLOC_QEMU:+ $KALLOC_QEMU}"
scripts/vm "$KERNELDIR" 900 "$top/selftests/guest/edu.sh" "$top/build/$name" "$top/build/$name/selftests/fixtures/edu"
