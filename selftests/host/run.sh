#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What `make run` does in the guest: it says ok, and does not where a module warns or does not load. And what a sample
# says of a parameter that it cannot use.

. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

# guest COMMAND…: runs it in the guest, from the directory of the modules, and keeps what it prints.
modules=$top/build/$name
seen=$(mktemp)
trap 'rm -f "$seen"' EXIT
guest() {
	local status=0
	(cd "$modules" && "$top/scripts/vm" "$KERNELDIR" 60 "$@") >"$seen" 2>/dev/null || status=$?
	cat "$seen"
	return "$status"
}
last_line() { [[ $(tail -1 "$seen" | tr -d '\r') =~ ^$1$ ]]; }

samples=("$modules"/samples/*.ko)
ok="run: ok (kernel $(cat "$KERNELDIR/release"), $((${#samples[@]} + 1)) modules loaded and unloaded, 0 warnings)"
runs() {
	guest "$top/scripts/guest/run" kalloc.ko "${samples[@]#"$modules/"}" &&
		[[ $(tail -1 "$seen" | tr -d '\r') == "$ok" ]]
}
fails() { ! guest "$top/scripts/guest/run" kalloc.ko "$2" && last_line "$1"; }
refuses() {
	! guest sh -c "insmod kalloc.ko; insmod samples/kalloc_first.ko $1; status=\$?; dmesg | grep kalloc_first: | tail -1; exit \$status" &&
		last_line ".*$2"
}

plan 6
check "every sample loads, unloads and is quiet" runs
check "a warning fails the run" fails "run: failed: the kernel complained: general" selftests/wrong.ko
check "a module that does not load fails the run" \
	fails "run: failed: selftests/wrong_init.ko does not load" selftests/wrong_init.ko
check "a size of nothing is refused" refuses size=0 "kalloc_first: size=0 is not from 1 to [0-9]+"
check "a size beyond kmalloc is refused" refuses size=99999999 "kalloc_first: size=99999999 is not from 1 to [0-9]+"
check "a size that is no number is refused" refuses size=large "kalloc_first: .large. invalid for parameter .size."
ktap_finished
