#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DMA on a machine whose devices are not coherent with the caches, which its device tree says. QEMU has no caches: what is
# tested is that the kernel's calls for them come, and that all works. test_dma counts the calls one by one.
#
# Minutes: 1
# Kernels: arm64

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Prints what the tests say, and how often the kernel synchronised caches for one write and one read of the sample.
# shellcheck disable=SC2016
guest='cd "$2"
	"$1/selftests/guest/kalloc.sh" . test_edu
	insmod kalloc.ko
	insmod samples/kalloc_edu.ko
	cd /sys/kernel/tracing
	echo "arch_sync_dma_for_device arch_sync_dma_for_cpu" >set_ftrace_filter
	echo function >current_tracer
	"$2/selftests/fixtures/edu" /dev/kalloc_edu 10
	echo "for the device: $(grep -c "arch_sync_dma_for_device <-" trace)"
	echo "for the CPU: $(grep -c "arch_sync_dma_for_cpu <-" trace)"
	echo nop >current_tracer
	rmmod kalloc_edu kalloc'
# boot NAME OPTION…
boot() {
	KALLOC_QEMU="$arch_edu ${*:2}" scripts/vm "$KERNELDIR" 400 bash -c "$guest" - "$top" "$top/build/$name" >"$tmp/$1" 2>&1 || true
	sed 's/^/# /' "$tmp/$1"
}
says() { grep -qE "$2" "$tmp/$1"; }

# shellcheck disable=SC2086
scripts/device-tree "$tmp/tree" $arch_edu
bus=$(fdtget -l "$tmp/tree" / | grep '^pcie@')
{ fdtput -d "$tmp/tree" / dma-coherent && fdtput -d "$tmp/tree" "/$bus" dma-coherent; } ||
	die "the device tree of $arch_qemu does not say that devices are coherent."

plan 6
boot coherent
check "coherent: the sample works" says coherent "DMA: there and back"
check "coherent: no cache is synchronised" eval 'says coherent "^for the device: 0\$" && says coherent "^for the CPU: 0\$"'
boot noncoherent -dtb "$tmp/tree"
check "not coherent: the sample works" says noncoherent "DMA: there and back"
check "not coherent: no test of test_edu fails or warns" says noncoherent "^ok 1 test_edu\$"
check "not coherent: caches are written back for the device" says noncoherent "^for the device: [1-9]"
check "not coherent: and invalidated for the CPU" says noncoherent "^for the CPU: [1-9]"
ktap_finished
