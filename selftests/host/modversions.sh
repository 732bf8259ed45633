#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# On a kernel with CONFIG_MODVERSIONS each symbol of kalloc.ko has a version, made of its type. A driver elsewhere loads with the
# kalloc.ko that it was built against. It does not load with one in which a public struct has another field, also where the
# names of the symbols are the same.
#
# Kernels: modversions
# Minutes: 1
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

modules=$top/build/$name
copies=$modules/modversions
export DRIVER=$copies/driver
rm -rf "$copies"
mkdir -p "$copies/changed"
cp -r template "$DRIVER"
output=$(driver_output)
trap 'rm -rf "$copies" "$output"' EXIT

# quietly COMMAND…: what it says is shown when it fails.
quietly() { "$@" >"$copies/log" 2>&1 || { tail -n 30 "$copies/log"; return 1; }; }

# versions BUILD: "NAME VERSION" of each symbol that kalloc.ko exports.
versions() { awk '$3 == "kalloc" { print $2, $1 }' "$1/Module.symvers" | sort; }
all_have_one() {
	diff <(sed 's/.*(\(.*\)).*/\1/' "$modules/rust/exports_generated.h" | sort) <(versions "$modules" | cut -d' ' -f1) &&
		! versions "$modules" | grep ' 0x0*$'
}
# Some have the same type.
are_of_types() {
	local all different
	all=$(versions "$modules" | wc -l)
	different=$(versions "$modules" | cut -d' ' -f2 | sort -u | wc -l)
	echo "$all symbols have $different versions"
	[[ $((different * 2)) -gt $all ]]
}

# The checkout once more, with a field more in a struct, and the hash of the first one in its names.
change() {
	git -c safe.directory='*' ls-files -z | xargs -0 cp --parents -t "$copies/changed"
	cd "$copies/changed" || return
	printf '#!/bin/sh\ncat "%s"\n' "$modules/rust/crate_hash.args" >scripts/crate-hash
	sed -i 's/^pub struct WaitInFlight(Here)/pub struct WaitInFlight(Here, u8)/; s/^        Self(module)$/        Self(module, 0)/' \
		rust/kalloc/entry/in_flight.rs
	KALLOC_BUILT="" quietly scripts/build kalloc.ko
}
same_names() { diff <(versions "$modules" | cut -d' ' -f1) <(versions "$copies/changed/build/$name" | cut -d' ' -f1); }
# Only what has the struct in its type has another version.
other_versions() {
	comm -13 <(versions "$modules") <(versions "$copies/changed/build/$name") | cut -d' ' -f1 >"$copies/other"
	cat "$copies/other"
	[[ -s $copies/other ]] && ! grep -v WaitInFlight "$copies/other"
}

# All in one guest. A line "== BUILD" goes before what is said of it.
# shellcheck disable=SC2016
guest='
	for build in "${@:2}"; do
		echo "== $build"
		dmesg -C
		insmod "$build/kalloc.ko"
		insmod "$1"; echo "status $?"
		dmesg | grep -o "mydriver: .*"
		rmmod mydriver 2>/dev/null
		rmmod kalloc
	done'

# says BUILD PATTERN: one of its lines is that, whole.
says() { sed "0,\|^== $1\$|d; /^== /,\$d" "$copies/said" | grep -xE "$2"; }

plan 9
check "each exported symbol has a version" all_have_one
check "the versions are of their types" are_of_types
check "kalloc.ko is built with a changed struct" change
check "its symbols have the same names" same_names
check "those with the struct in their type have another version" other_versions
check "a driver elsewhere is built" quietly scripts/toolbox scripts/build-driver
scripts/vm "$KERNELDIR" 120 bash -c "$guest" - "$output/mydriver.ko" "$modules" "$copies/changed/build/$name" 2>"$copies/log" |
	tr -d '\r' >"$copies/said"
check "it loads with the kalloc.ko that it was built against" says "$modules" "status 0"
check "it does not load with the changed one" says "$copies/changed/build/$name" "status 1"
check "the kernel says why" says "$copies/changed/build/$name" "mydriver: disagrees about version of symbol _R.*WaitInFlight.*"
[[ $KTAP_CNT_FAIL == 0 ]] || sed 's/^/# /' "$copies/said" "$copies/log"
ktap_finished
