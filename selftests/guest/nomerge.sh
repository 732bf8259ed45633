#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: nomerge.sh DIRECTORY	(as root, on a kernel booted with slab_nomerge)
#
# Loads and unloads the modules built in DIRECTORY and prints as KTAP what they leave behind: slab caches, vmalloc areas,
# per-CPU memory, and pages. For the pages the samples are loaded and unloaded again and again, and then a module that
# leaks.

set -euo pipefail

. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../../scripts/guest/log.sh"
modules=$1

caches() { find /sys/kernel/slab -mindepth 1 -maxdepth 1 -printf '%f\n' | sort; }
# Areas of vmalloc that a module asked for: by name, or by an address that is no longer a module's.
areas() { awk '$3 ~ /^0x/ || /\[/ { print $3, $4 }' /proc/vmallocinfo | sort; }
field() { awk -v key="$1" '$1 == key ":" { print $2 }' /proc/meminfo; }

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

# count ROUND: waits for what is put off, and adds to slabs how many pages the slabs have, and to pages how many are free,
# also on a CPU's own list, or serve what the kernel counts by kind: slabs, processes, vmalloc, the page tables of the
# direct map. Only a page that was allocated as such and forgotten is none of these.
count() {
	local zones memory
	for _ in 1 2; do
		echo 3 >/proc/sys/vm/drop_caches
		sleep 0.1
	done
	# Slabs without an object.
	for cache in /sys/kernel/slab/*/shrink; do echo 1 >"$cache"; done
	# What each CPU has counted for itself.
	cat /proc/sys/vm/stat_refresh
	# Both at once, and no process between them.
	mapfile -t zones </proc/zoneinfo
	mapfile -t memory </proc/meminfo
	slabs+=("$1 $(printf '%s\n' "${memory[@]}" | awk '$1 == "Slab:" { print $2 / 4 }')")
	pages+=("$1 $(printf '%s\n' "${zones[@]}" "${memory[@]}" | awk '
		$1 == "count:" || $1 == "nr_free_pages" { n += $2 }
		/^(Slab|AnonPages|Cached|Buffers|PageTables|KernelStack|VmallocUsed|Percpu):/ { n += $2 / 4 }
		$1 == "DirectMap4k:" { n += $2 / 4 / 512 }
		END { print int(n) }')")
}

# measure MODULE…: sets pages and slabs to what is counted while they are loaded and unloaded 40 times. The first rounds
# fill what the kernel keeps; of the others the ends tell the slope.
measure() {
	local i
	pages=()
	slabs=()
	for ((i = -4; i < 40; i++)); do
		round "$@"
		[[ $i != -1 ]] || percpu=$(field Percpu)
		[[ $i -lt 0 || ($i -ge 10 && $i -lt 30) ]] || count "$i"
	done
}

# is_flat WHAT "ROUND NUMBER"…: the slope, by least squares, is none. One page a round is a leak. The numbers wander by
# ten, which is 0.14 a round here.
is_flat() {
	local slope
	slope=$(printf '%s\n' "${@:2}" | awk '
		{ n++; x += $1; y += $2; xy += $1 * $2; xx += $1 * $1 }
		END { printf "%.2f", (n * xy - x * y) / (n * xx - x * x) }')
	echo "# $1, each after its round: $(printf '%s, ' "${@:2}")"
	echo "# $1: slope $slope a round"
	awk -v slope="$slope" 'BEGIN { exit slope < -0.5 || slope > 0.5 }'
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

measure "$modules"/samples/*.ko
check "no area of vmalloc is left" same "$areas_before" "$(areas)"
# The kernel gives chunks of per-CPU memory back one by one, by a work item.
check "no per-CPU memory is left" test "$(field Percpu)" -le "$percpu"
check "free pages have no slope" is_flat pages "${pages[@]}"
check "slabs have no slope" is_flat slabs "${slabs[@]}"
check "the kernel is quiet" log_end

measure "$modules/selftests/provoke/provoke_leak.ko"
check "a page that leaks is seen" leaks pages "${pages[@]}"
check "an object that leaks is seen" leaks slabs "${slabs[@]}"
exit "$status"
