#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What differs between the series of kernels stands in rust/series alone, and a build reads only its own series there.
#
# Kernels: stock 7.2
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

series=$(cut -d. -f1,2 "$KERNELDIR/release")

# Kbuild chooses, and the crate takes what was chosen in kalloc.rs; an editor does both.
elsewhere() {
	! git grep -nE 'kalloc_series\b|LINUX_VERSION_(CODE|MAJOR|PATCHLEVEL)|KERNEL_VERSION *\(' -- . \
		':!rust/series' ':!rust/kalloc/kalloc.rs' ':!Kbuild' ':!scripts/rust-project' ':!selftests/host/series.sh' ':!selftests/mutations'
}

has_parts() {
	local directory part
	for directory in rust/series/*/; do
		for part in Kbuild calls.rs kernel.rs series.c series.h testlib.rs; do
			[[ -e $directory$part ]] || { echo "$directory has no $part"; return 1; }
		done
	done
}

reads() { find "$top/build/$name" -name '.*.cmd' -exec grep -ohE 'rust/(kalloc/\.\./)?series/[0-9.]+/' {} + | grep -oE '[0-9.]+/$' | sort -u; }

plan 3
check "no other file knows a series" elsewhere
check "each series has each part" has_parts
check "a build reads its own series alone" diff <(reads) <(echo "$series/")
ktap_finished
