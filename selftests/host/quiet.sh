#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kalloc, the samples and the tests compile without a warning for another series or processor, or with another compiler, than
# the stock kernel's, for which the test `plain` has this.
#
# Kernels: 7.2 arm64 unstable
# Minutes: 1
# Builds: kalloc.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
read -ra tools <<<"$(tools_of "$name")"

quietly() {
	make -C "$KERNELDIR/build" M="$top" MO="$output" "${tools[@]}" KALLOC_TESTS=1 -j"${KALLOC_JOBS:-$(nproc)}" modules >"$output/log" 2>&1 ||
		{ cat "$output/log"; return 1; }
	no_warning "$output/log"
}

plan 1
check "no warning" quietly
ktap_finished
