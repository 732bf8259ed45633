#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: nomerge.sh DIRECTORY	(as root, on a kernel booted with slab_nomerge)
#
# Loads and unloads the modules built in DIRECTORY that have slab caches, and prints as KTAP what caches there are.

set -euo pipefail

. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../scripts/guest/log.sh"
modules=$1
caches() { find /sys/kernel/slab -mindepth 1 -maxdepth 1 -printf '%f\n' | sort; }

status=0
number=0
# check DESCRIPTION COMMAND…
check() {
	local description=$1 result=ok
	shift
	"$@" || { result="not ok"; status=1; }
	number=$((number + 1))
	echo "$result $number $description"
}
same() { diff <(echo "$1") <(echo "$2") | sed 's/^/# /'; [[ $1 == "$2" ]]; }

echo "KTAP version 1"
echo "1..7"
log_begin kalloc
before=$(caches)
# One that may be merged is shown as a link to a name that begins with a colon.
check "no cache is one with another" test "$(grep -c '^:' <<<"$before" || true)" = 0
insmod "$modules/kalloc.ko"
insmod "$modules/selftests/testlib.ko"
for test in test_slab test_mempool; do
	loaded=$(caches)
	insmod "$modules/selftests/$test.ko"
	[[ $test != test_slab ]] ||
		check "a cache of the module is there while it is loaded" test -d /sys/kernel/slab/kalloc_test_numbers
	rmmod "$test"
	check "$test leaves no cache behind" same "$loaded" "$(caches)"
done
rmmod testlib kalloc
check "the crate leaves no cache behind" same "$before" "$(caches)"
check "slabinfo has none" test "$(grep -ci kalloc /proc/slabinfo || true)" = 0
check "the kernel is quiet" log_end
exit "$status"
