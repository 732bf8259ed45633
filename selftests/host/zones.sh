#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Memory of a zone and of a node, on a machine with two nodes, each with memory above 4 GiB.
#
# Kernels: stock rt arm64
# Builds: kalloc.ko selftests/lib/testlib.ko selftests/guest/test_zones.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

KALLOC_MEM=6G KALLOC_QEMU="-object memory-backend-ram,id=one,size=4G -object memory-backend-ram,id=two,size=2G
	-numa node,memdev=one,cpus=0 -numa node,memdev=two,cpus=1 -smp 2,sockets=2,cores=1,threads=1"
export KALLOC_MEM KALLOC_QEMU
KALLOC_QEMU=${KALLOC_QEMU//[$'\n\t']/ }
plan 9
output=$(scripts/vm "$KERNELDIR" 600 "$top/selftests/guest/kalloc.sh" "$top/build/$name" test_zones) || true
# shellcheck disable=SC2001
sed 's/^/# /' <<<"$output"
says() { grep -qE "$1" <<<"$output"; }

check "there are two nodes" says "# 2 nodes"
for test in dma_memory_is_of_its_zone dma32_memory_is_below_4_gib dma32_objects_are_below_4_gib memory_of_each_node \
	objects_of_each_node growing_on_each_node pools_of_each_node; do
	check "$test" says "^ *ok [0-9]+ $test\$"	# and not skipped
done
check "no test fails or warns" says "^ok 1 test_zones\$"
ktap_finished
