#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver for a real device, samples/kalloc_edu.ko: driven by a program of the guest, as it should be and as it should
# not, with the device taken away meanwhile.

. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

# The guest sees the checkout, and has a /tmp of its own.
program=$top/build/$name/selftests/edu
x86_64-linux-gnu-gcc-14 -O2 -Wall -Wextra -Werror -o "$program" selftests/edu.c || die "the program does not compile."
export KALLOC_QEMU="-device edu${KALLOC_QEMU:+ $KALLOC_QEMU}"
scripts/vm "$KERNELDIR" 900 "$top/selftests/edu.sh" "$top/build/$name" "$program"
