# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What modules leave behind: areas of vmalloc, and pages, counted over many rounds of loading and unloading.

# Areas of vmalloc that a module asked for: by name, or by an address that is no longer a module's.
areas() { awk '$3 ~ /^0x/ || /\[/ { print $3, $4 }' /proc/vmallocinfo | sort; }
field() { awk -v key="$1" '$1 == key ":" { print $2 }' /proc/meminfo; }

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

# measure FIRST COMMAND…: runs COMMAND in rounds FIRST to 39, and sets pages and slabs to what is counted after a round. The
# rounds below 0 fill what the kernel keeps; of the others the ends tell the slope. percpu is what was used before round 0.
measure() {
	local i first=$1
	shift
	pages=()
	slabs=()
	for ((i = first; i < 40; i++)); do
		"$@"
		# shellcheck disable=SC2034
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
