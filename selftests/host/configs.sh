#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Kernels with other allocators than the stock one: the crate and the samples compile without a warning, and a call of
# kalloc is still what C's macro makes of it, or goes through a helper in C where the macro does more than call.
#
# Kernels: stock
# Minutes: 2

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

# What a tree that is only prepared can give: objects, and no modules, since it has no list of symbols.
build() {
	local tools=(CC="$arch_cc")
	[[ $config != *-llvm ]] || tools=(LLVM="-$suite_llvm")
	local samples
	mapfile -t samples < <(grep -Lw pci samples/*.rs)	# these trees have no PCI
	mkdir -p "$output"
	rm -f "$object"
	make -s -C "$tree" M="$top" MO="$output" "${tools[@]}" KALLOC_TESTS=1 -j"${KALLOC_JOBS:-$(nproc)}" \
		kalloc.o "${samples[@]/%.rs/.o}" selftests/codegen/codegen.o
}

compare() {
	local calls call how failed=0
	calls=$(selftests/codegen/compare "$object") || return
	for call in $calls; do
		how=$1
		[[ $config != partition || $call != *page* ]] || how=same	# whose caches are kmalloc's
		[[ $call != *free* ]] || how=same	# which has no helper
		[[ $config != partition || $call != v* ]] || how=same	# vmalloc has no partitions
		[[ $call != *_n || $how == helper ]] || how=calls
		selftests/codegen/compare "$object" "$call" "$how" | sed "s/^instructions:/$call:/" || failed=1
	done
	return "$failed"
}

plan 8
for config in partition profiling nodma tiny-llvm; do
	output=$top/build/config-$config
	object=$output/selftests/codegen/codegen.o
	tree=$(selftests/codegen/config-tree "$config") || tree=
	check "$config: compiles" build
	case $config in
	partition | profiling) check "$config: every call goes through C" compare helper ;;
	*) check "$config: every call is that of C" compare same ;;
	esac
done
ktap_finished
