#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A module loads with the kalloc.ko that it was built against, also when that is built again in another directory. It does
# not load with a kalloc.ko that has a changed type.
#
# Kernels: stock
# Minutes: 1

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/copies.sh"

same=$(build_of same)
other=$(build_of other)

hash_of() { cat "$1/rust/crate_hash.args"; }

same_names() {
	[[ $(hash_of "$modules") == -Cmetadata=[0-9a-f]* ]] &&
		diff <(hash_of "$modules") <(hash_of "$same") && diff <(exports "$modules") <(exports "$same")
}

other_hash() { [[ $(hash_of "$modules") != "$(hash_of "$other")" ]]; }

# A module that calls none of kalloc's symbols would load with every one.
samples_refer() {
	local sample failed=0
	exports "$modules" | grep '^_R' >"$copies/exports"
	for sample in "$modules"/samples/*.ko; do
		nm --undefined-only --format=just-symbols "$sample" | grep -qxFf "$copies/exports" ||
			{ echo "$sample has no symbol of kalloc"; failed=1; }
	done
	return "$failed"
}

plan 8
check "every sample refers to a symbol of the crate" samples_refer
copy same
check "kalloc.ko is built again in another directory" build same
check "its symbols have the same names" same_names
copy other
# The layout of a type of the crate, and nothing else.
sed -i 's/^pub struct Node/#[repr(align(16))]\n&/' "$(grep -rl '^pub struct Node' "$copies/other/rust/kalloc")"
check "kalloc.ko is built with a changed type" build other
check "its hash is another one" other_hash
loads "$modules/samples/kalloc_first.ko" "$same" "$other"
check "a module loads with the one that was built again" says "$same" "status 0"
check "a module does not load with the changed one" says "$other" "status 1"
check "the kernel says why" says "$other" "kalloc_first: Unknown symbol _R.*kalloc.* \(err -2\)"
copies_finished
