#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# DMA to a device and back where synchronising does something: with bounce buffers, and behind an IOMMU. On a plain
# machine, where it does nothing, `guest` has run the tests and `run` the sample.
#
# Minutes: 2
# Kernels: stock rt debug arm64

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

seen=$(mktemp)
trap 'rm -f "$seen"' EXIT
# boot PARAMETERS DEVICE: what the tests say, and then the sample.
boot() {
	# shellcheck disable=SC2016
	KALLOC_APPEND=$1 KALLOC_QEMU="-device pci-testdev -device edu$2 -device edu${2%% *}" scripts/vm "$KERNELDIR" 400 \
		bash -c '"$1/selftests/guest/kalloc.sh" "$2" test_dma test_edu; "$1/scripts/guest/run" "$2/kalloc.ko" "$2/samples/kalloc_dma.ko"' \
		- "$top" "$top/build/$name" >"$seen" 2>&1 || true
}
passes() { grep -qE "^    ok [0-9]+ $1\$" "$seen"; }	# and is not skipped
skips() { grep -qE "^    ok [0-9]+ $1 # SKIP" "$seen"; }
lacks() { ! grep -q "$1" "$seen"; }
module() { grep -qE "^ok [0-9]+ $1\$" "$seen"; }
# show: what was seen, where something failed since `failed` was set.
failed=0
show() {
	[[ $KTAP_CNT_FAIL == "$failed" ]] || sed 's/^/# /' "$seen"
	failed=$KTAP_CNT_FAIL
}

data="coherent_memory_goes_there_and_back a_streaming_buffer_goes_there_and_back
	what_comes_is_seen_between_two_transfers what_goes_is_written_between_two_transfers
	scattered_pages_go_there_and_back segments_are_seen_between_two_transfers slots_of_a_ring_stay_where_they_are"
# machine NAME: data arrives, and no test fails.
machine() {
	for test in test_dma test_edu; do check "$1: no test of $test fails or warns" module $test; done
	for test in $data; do check "$1: $test" passes "$test"; done
	check "$1: evidence of the other card is an error" passes evidence_of_another_device_is_an_error
	check "$1: and there was another card" lacks "no second card here"
	check "$1: the sample, no warning" grep -q '^run: ok' "$seen"
	check "$1: the sample, bound and freed" grep -qE 'kalloc_dma.*: 5 pairs at 0x[0-9a-f]+, 16384 bytes in segments: [1-4]\b' "$seen"
}

plan 32
# The bounce buffers are above what the device reaches by default.
boot "swiotlb=force" ",dma_mask=4294967295"
machine swiotlb
check "swiotlb: without the sync the data is old" passes without_the_sync_the_data_is_old
check "swiotlb: memory of vmalloc goes there and back" passes vmalloc_memory_goes_there_and_back
check "swiotlb: what is too large is given back" passes a_buffer_too_large_to_bounce_is_given_back
show

boot "$arch_iommu_append" " $arch_iommu"
machine iommu
check "iommu: addresses are its own" passes an_iommu_gives_its_own_addresses
check "iommu: memory of vmalloc goes there and back" passes vmalloc_memory_goes_there_and_back
check "iommu: nothing is copied" skips without_the_sync_the_data_is_old
show
ktap_finished
