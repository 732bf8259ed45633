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
. "$(dirname "${BASH_SOURCE[0]}")/lib/copies.sh"

changed=$(build_of changed)
export DRIVER=$copies/driver
cp -r template "$DRIVER"
output=$(driver_output)
trap 'rm -rf "$copies" "$output"' EXIT

# versions BUILD: "NAME VERSION" of each symbol that kalloc.ko exports.
versions() { awk '$3 == "kalloc" { print $2, $1 }' "$1/Module.symvers" | sort; }
all_have_one() {
	diff <(sed 's/.*(\(.*\)).*/\1/' "$modules/rust/exports_generated.h" | sort) <(exports "$modules") &&
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

# A field more in a struct, and the hash of the first one in the names.
change() {
	copy changed
	printf '#!/bin/sh\ncat "%s"\n' "$modules/rust/crate_hash.args" >"$copies/changed/scripts/crate-hash"
	sed -i 's/^pub struct WaitInFlight(Here)/pub struct WaitInFlight(Here, u8)/; s/^        Self(module)$/        Self(module, 0)/' \
		"$copies/changed/rust/kalloc/entry/in_flight.rs"
	build changed
}
same_names() { diff <(exports "$modules") <(exports "$changed"); }
# Only what has the struct in its type has another version.
other_versions() {
	comm -13 <(versions "$modules") <(versions "$changed") | cut -d' ' -f1 >"$copies/other"
	cat "$copies/other"
	[[ -s $copies/other ]] && ! grep -v WaitInFlight "$copies/other"
}

plan 9
check "each exported symbol has a version" all_have_one
check "the versions are of their types" are_of_types
check "kalloc.ko is built with a changed struct" change
check "its symbols have the same names" same_names
check "those with the struct in their type have another version" other_versions
check "a driver elsewhere is built" quietly scripts/toolbox scripts/build-driver
loads "$output/mydriver.ko" "$modules" "$changed"
check "it loads with the kalloc.ko that it was built against" says "$modules" "status 0"
check "it does not load with the changed one" says "$changed" "status 1"
check "the kernel says why" says "$changed" "mydriver: disagrees about version of symbol _R.*WaitInFlight.*"
copies_finished
