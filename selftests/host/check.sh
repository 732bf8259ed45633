#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check of drivers, by an ordinary user: of those that are right nothing is said, and of one that is wrong where. Each
# test kernel does its part, as make check itself does.
#
# Kernels: stock rt debug
# Minutes: 6

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/author.sh"

tmp=$(mktemp -d)
trap 'author_ends "$tmp"' EXIT
export KERNEL=$name
unset MAKEFLAGS DRIVER

# driver NAME KBUILD-LINE…: a directory of that name; what it holds is still to come.
driver() { mkdir "$tmp/$1" && printf '%s\n' "${@:2}" >"$tmp/$1/Kbuild"; }
wrong() {
	driver "$1" 'obj-m := provoke_driver.o' "ccflags-y := -D$1 -Wno-unused-result"
	cp selftests/provoke/provoke_driver.c "$tmp/$1/"
}
# checks NAME VERDICT [MOST]: what make says of it is kept. No more allocations fail than MOST.
checks() {
	if [[ -e $tmp/$1/Makefile ]]; then
		# Its own.
		KALLOC_FAILURES=${3:-} as_author make -C "$tmp/$1" KALLOC="$top" check KERNEL="$name"
	else
		KALLOC_FAILURES=${3:-} as_author make -C "$top" check DRIVER="$tmp/$1" KERNEL="$name"
	fi >"$tmp/said" 2>&1 || true
	tail -1 "$tmp/said" | grep -q "^make: .* Error" && sed -i '$d' "$tmp/said"
	has "check: $2"
}
# has PATTERN: a whole line.
has() { grep -xE -- "$1" "$tmp/said" || { cat "$tmp/said"; return 1; }; }
# row NAME CELL
row() { has "$1 +$2"; }

as_author cp -r template "$tmp/a blank"
driver pci 'obj-m := rust_driver_pci.o'
cp "$KERNELDIR/source/samples/rust/rust_driver_pci.rs" "$tmp/pci/"
driver edu 'obj-m := edu_c.o'
cp selftests/fixtures/edu_c.c "$tmp/edu/"

case $name in
stock)
	cp -r template "$tmp/clippy"
	sed -i 's/let samples = .*/let samples = KBox::zeroed_slice(\&task, 64)?; let _old = kernel::alloc::KBox::new(1, kernel::alloc::flags::GFP_KERNEL);/' \
		"$tmp/clippy/mydriver.rs"
	wrong LOADS
	plan 8
	check "the kernel's PCI sample in Rust, as it is" checks pci ok
	check "clippy has nothing to say of it" row clippy ok
	check "its device is bound and unbound" row "bind, unbind" ok
	check "a module that leaks when it is loaded" checks LOADS failed
	check "areas of vmalloc are seen" row "50 loads: /proc/vmallocinfo" FAIL
	check "pages and objects are seen" row "50 loads: memory" FAIL
	check "clippy's warning fails a driver" checks clippy failed
	check "clippy says what to use instead" has ".*its flags are not checked; use kalloc's KBox::new\(&cx, value\)"
	;;
rt)
	plan 2
	check "the driver of edu in C" checks edu ok
	check "its device is bound and unbound" row "bind, unbind" ok
	;;
debug)
	wrong LEAK
	wrong SLEEP
	wrong ERROR_PATH
	plan 14
	check "the template, in a directory with a blank" checks "a blank" ok
	check "each allocation of its init fails" row "each allocation of init fails" "[1-9][0-9]* failed"
	check "each allocation of its probe fails" row "each allocation of probe fails" "[1-9][0-9]* failed"
	check "kmemleak finds nothing" row "kmemleak, two scans" ok
	check "the kernel's PCI sample in Rust, as it is" checks pci ok 20
	check "each allocation of its probe fails" row "each allocation of probe fails" "[1-9][0-9]* failed"
	check "the driver of edu in C" checks edu ok 10
	check "each allocation of its probe fails" row "each allocation of probe fails" "the first 10"
	check "a leak at unbind" checks LEAK failed 3
	check "the function is named" has "debug: leak:   provoke_probe.*"
	check "a sleep under a lock" checks SLEEP failed 10
	check "the complaint is named" has "debug: load, bind, unbind, unload: FAIL: the kernel complained: .*sleeping.*"
	check "a missing free on an error path" checks ERROR_PATH failed 10
	check "the function is named" has "debug: leak:   provoke_probe.*"
	;;
esac
ktap_finished
