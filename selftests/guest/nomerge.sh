#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: nomerge.sh DIRECTORY	(as root, on a kernel booted with slab_nomerge)
#
# Loads and unloads the modules built in DIRECTORY and prints as KTAP what they leave behind: slab caches, vmalloc areas,
# per-CPU memory, and pages. For the pages the samples are loaded and unloaded again and again, and then a module that
# leaks.

set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/check.sh"
. "$here/../../scripts/guest/log.sh"
# shellcheck source=scripts/guest/memory.sh
. "$here/../../scripts/guest/memory.sh"
modules=$1

caches() { find /sys/kernel/slab -mindepth 1 -maxdepth 1 -printf '%f\n' | sort; }

same() { diff <(echo "$1") <(echo "$2") | sed 's/^/# /'; [[ $1 == "$2" ]]; }

# round MODULE…: loads and unloads them once, with few processes: an emulated machine is slow to start one.
round() {
	local module loaded=(kalloc)
	insmod "$modules/kalloc.ko"
	for module; do
		insmod "$module"
		module=${module##*/}
		loaded=("${module%.ko}" "${loaded[@]}")
	done
	rmmod "${loaded[@]}"
}

leaks() { ! is_flat "$@"; }

echo "KTAP version 1"
echo "1..18"
log_begin kalloc
before=$(caches)
areas_before=$(areas)
# One that may be merged is shown as a link to a name that begins with a colon.
check "no cache is one with another" test "$(grep -c '^:' <<<"$before" || true)" = 0
insmod "$modules/kalloc.ko"
insmod "$modules/selftests/lib/testlib.ko"
for test in test_slab test_mempool; do
	others=$(caches)
	insmod "$modules/selftests/guest/$test.ko"
	[[ $test != test_slab ]] ||
		check "a cache of the module is there while it is loaded" test -d /sys/kernel/slab/kalloc_test_numbers
	rmmod "$test"
	check "$test leaves no cache behind" same "$others" "$(caches)"
done
# The file is open for longer than its loader lives.
insmod "$modules/selftests/guest/fail_open.ko" open_for=6000 &
loader=$!
sleep 2
kill -KILL $loader
wait $loader 2>/dev/null || true
check "a module whose init fails with a file open stays when its loader is killed" grep -q '^fail_open .* Live ' /proc/modules
check "its pool is there for the file" test -d /sys/kernel/slab/kalloc_fail_open
unloads() { timeout 60 bash -c 'until rmmod fail_open 2>/dev/null; do sleep 0.5; done'; }
in_use() { ! rmmod fail_open 2>/dev/null; }
check "it cannot be unloaded while the file is open" in_use
check "it can be unloaded when the file is closed" unloads
rmmod testlib kalloc
check "the crate leaves no cache behind" same "$before" "$(caches)"
check "slabinfo has none" test "$(grep -ci kalloc /proc/slabinfo || true)" = 0

insmod "$modules/kalloc.ko"
insmod "$modules/samples/kalloc_large.ko"
check "an area of vmalloc is there while its module is loaded" grep -q kalloc /proc/vmallocinfo
rmmod kalloc_large kalloc

measure -4 round "$modules"/samples/*.ko
check "no area of vmalloc is left" same "$areas_before" "$(areas)"
# The kernel gives chunks of per-CPU memory back one by one, by a work item.
check "no per-CPU memory is left" test "$(field Percpu)" -le "$percpu"
check "free pages have no slope" is_flat pages "${pages[@]}"
check "slabs have no slope" is_flat slabs "${slabs[@]}"
check "the kernel is quiet" log_end

measure -4 round "$modules/selftests/provoke/provoke_leak.ko"
check "a page that leaks is seen" leaks pages "${pages[@]}"
check "an object that leaks is seen" leaks slabs "${slabs[@]}"
exit "$status"
