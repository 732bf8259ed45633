#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A module loads with the kalloc.ko that it was built against, also when that is built again in another directory. It does
# not load with a kalloc.ko that has a changed type.
#
# Kernels: stock
# Minutes: 1

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

modules=$top/build/$name
copies=$modules/mismatch
rm -rf "$copies"
mkdir -p "$copies"
trap 'rm -rf "$copies"' EXIT

# copy NAME: the checkout once more.
copy() {
	mkdir "$copies/$1"
	git -c safe.directory='*' ls-files -z | xargs -0 cp --parents -t "$copies/$1"
}

build() { KALLOC_BUILT="" "$copies/$1/scripts/build" kalloc.ko >"$copies/log" 2>&1 || { cat "$copies/log"; return 1; }; }
hash_of() { cat "$1/rust/crate_hash.args"; }
exports() { awk '$3 == "kalloc" { print $2 }' "$1/Module.symvers" | sort; }

same_names() {
	[[ $(hash_of "$modules") == -Cmetadata=[0-9a-f]* ]] &&
		diff <(hash_of "$modules") <(hash_of "$copies/same/build/$name") &&
		diff <(exports "$modules") <(exports "$copies/same/build/$name")
}

other_hash() { [[ $(hash_of "$modules") != "$(hash_of "$copies/other/build/$name")" ]]; }

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

# All in one guest. A line "== NAME" goes before what NAME says.
# shellcheck disable=SC2016
guest='
	for kalloc in "${@:2}"; do
		echo "== $kalloc"
		dmesg -C
		insmod "$kalloc/kalloc.ko"
		insmod "$1"; echo "status $?"
		dmesg | grep -o "kalloc_first: Unknown symbol .* (err -2)"
		rmmod kalloc_first 2>/dev/null
		rmmod kalloc
	done'

# says NAME PATTERN: one of its lines is that, whole.
says() { sed "0,/^== .*\/$1\/build\/$name\$/d; /^== /,\$d" "$copies/said" | grep -xE "$2"; }

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
scripts/vm "$KERNELDIR" 120 bash -c "$guest" - "$modules/samples/kalloc_first.ko" \
	"$copies/same/build/$name" "$copies/other/build/$name" 2>"$copies/log" | tr -d '\r' >"$copies/said"
check "a module loads with the one that was built again" says same "status 0"
check "a module does not load with the changed one" says other "status 1"
check "the kernel says why" says other ".*Unknown symbol _R.*kalloc.*"
[[ $KTAP_CNT_FAIL == 0 ]] || sed 's/^/# /' "$copies/said" "$copies/log"
ktap_finished
