#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: kalloc.sh [DIRECTORY [TEST[:PARAMETER…]…]]	(as root, on the kernel that the modules are built for)
#
# Loads kalloc.ko and the test modules built in DIRECTORY, by default build/plain, and prints their KTAP as one document,
# as it comes. What the kernel complains of while a module is there fails the result that follows, and so does
# memory that is left behind, on a kernel with kmemleak, which takes its time: KALLOC_KMEMLEAK=no does not ask it.

set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/../../scripts/guest/log.sh"
modules=${1:-$here/../../build/plain}
shift || true
tests=("$@")
if [[ ${#tests[@]} == 0 ]]; then
	# By the list of the last build: a module that has another name now may still be there.
	mapfile -t tests < <(sed -nE 's|^selftests/guest/((fail\|test)_.*)\.o$|\1|p' "$modules/modules.order" | sort)
	[[ ${#tests[@]} != 0 ]] || { echo "Bail out! No test is built in $modules."; exit 1; }
fi

status=0
number=0
# result OK DESCRIPTION
result() {
	number=$((number + 1))
	[[ $1 == ok ]] || status=1
	echo "$1 $number $2"
}

# test_module NAME PARAMETER…: loads the module, from whichever folder, and unloads it. One whose name begins with fail_
# must not load, for want of a device. Its loader is remembered, to whom the kernel charges memory.
declare -A loaders
said=$(mktemp)
# How long a module may take, in seconds: more on a kernel that looks for mistakes.
patience=400
[[ ! -e /sys/kernel/debug/kmemleak ]] || patience=1200

# A module that hangs fails, and ends the document: what waits is shown, and nothing else could be loaded.
# shellcheck disable=SC2317 # by a trap
hangs() {
	echo w >/proc/sysrq-trigger
	sleep 1
	dmesg | tail -n 150 | sed 's/^/# /'
	result "not ok" "$testing hangs"
	echo "Bail out! $testing took more than $patience seconds."
	exit 1
}
trap hangs USR1

test_module() {
	local watch
	testing=$*
	(sleep $patience && kill -USR1 $$) &
	watch=$!
	load_and_unload "$@"
	kill $watch 2>/dev/null || true
}

load_and_unload() {
	local name=$1 ok=ok left library libraries
	log_begin "$name"
	# Modules of tests that this one uses.
	read -ra libraries < <(modinfo -F depends "$modules"/selftests/*/"$name.ko" | grep -oE 'kalloc_\w+' | xargs)
	for library in "${libraries[@]}"; do insmod "$modules"/selftests/*/"$library.ko"; done
	insmod "$modules"/selftests/*/"$name.ko" "${@:2}" 2>"$said" &
	loaders[$!]=$*
	if wait $!; then
		[[ $name != fail_* ]] || ok="not ok"
		rmmod "$name" &
		wait $! || ok="not ok"
	elif [[ $name != fail_* ]] || ! grep -q ': No such device$' "$said"; then
		ok="not ok"
		cat "$said" >&2
	fi
	[[ ${#libraries[@]} == 0 ]] || rmmod "${libraries[@]}" || ok="not ok"
	log_end || { ok="not ok"; echo "# the kernel complained while $* was there: $log_kinds"; }
	# A device of a module that is gone.
	if left=$(compgen -G '/dev/kalloc*'); then ok="not ok"; echo "# it left $left behind"; fi
	result "$ok" "$*"
}

# What nothing leads to when all is unloaded was left behind.
leaks() {
	local ok=ok pid
	log_begin kmemleak
	if ! log_leaks; then
		sed 's/^/# /' <<<"$log_leaked"
		while read -r pid; do
			echo "# ${loaders[$pid]:-what is not known of process $pid} left memory behind"
		done < <(sed -n 's/.*, pid \([0-9]*\),.*/\1/p' <<<"$log_leaked" | sort -u)
		ok="not ok"
	fi
	log_end || ok="not ok"
	result "$ok" "nothing is left behind"
}

# Where faults can be injected, a test may have any of its allocations fail, and the kernel does not speak of it.
for fault in /sys/kernel/debug/{failslab,fail_page_alloc}; do
	[[ -d $fault ]] || continue
	echo 0 >"$fault/verbose"
	echo N >"$fault/ignore-gfp-wait"
	[[ $fault != *page_alloc ]] || { echo N >"$fault/ignore-gfp-highmem"; echo 0 >"$fault/min-order"; }
done

echo "KTAP version 1"
kmemleak=$([[ ! -e /sys/kernel/debug/kmemleak || ${KALLOC_KMEMLEAK:-} == no ]] || echo 1)
echo "1..$((${#tests[@]} + 1 + ${kmemleak:-0}))"
log_begin kalloc
insmod "$modules/kalloc.ko"
insmod "$modules/selftests/lib/testlib.ko"
for test in "${tests[@]}"; do
	IFS=: read -ra words <<<"$test"
	test_module "${words[@]}"
done
log_begin kalloc
rmmod testlib kalloc
if log_end; then result ok kalloc; else result "not ok" kalloc; fi
[[ -z $kmemleak ]] || leaks
exit "$status"
