# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154
#
# Copies of the checkout with something changed, and what a guest says of a module with the kalloc.ko of each. A build is
# named by the directory with its modules.

# What the kernel's tests were built as.
modules=$top/build/$name
copies=$modules/$(basename "$0" .sh)
rm -rf "$copies"
mkdir -p "$copies"
trap 'rm -rf "$copies"' EXIT

# copy NAME: the checkout once more, in $copies/NAME.
copy() { copy_checkout "$copies/$1"; }
# build_of NAME: where the copy is built.
build_of() { echo "$copies/$1/build/$name"; }
# quietly COMMAND…: what it says is shown when it fails.
quietly() { "$@" >"$copies/log" 2>&1 || { tail -n 30 "$copies/log"; return 1; }; }
build() { KALLOC_BUILT="" quietly "$copies/$1/scripts/build" kalloc.ko; }

# exports BUILD: the symbols that its kalloc.ko exports.
exports() { awk '$3 == "kalloc" { print $2 }' "$1/Module.symvers" | sort; }

# All in one guest. A line "== BUILD" goes before what is said of it.
# shellcheck disable=SC2016
guest='
	module=$(basename "$1" .ko)
	for build in "${@:2}"; do
		echo "== $build"
		dmesg -C
		insmod "$build/kalloc.ko"
		insmod "$1"; echo "status $?"
		dmesg | grep -o "$module: .*"
		rmmod "$module" 2>/dev/null
		rmmod kalloc
	done'

# loads MODULE BUILD…: MODULE with each kalloc.ko.
loads() {
	scripts/vm "$KERNELDIR" 120 bash -c "$guest" - "$@" 2>"$copies/log" | tr -d '\r' >"$copies/said"
}
# says BUILD PATTERN: one of its lines is that, whole.
says() { sed "0,\|^== $1\$|d; /^== /,\$d" "$copies/said" | grep -xE "$2"; }

# The last line of such a test.
copies_finished() {
	[[ $KTAP_CNT_FAIL == 0 ]] || sed 's/^/# /' "$copies/said" "$copies/log"
	ktap_finished
}
