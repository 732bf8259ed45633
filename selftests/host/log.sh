#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each kind of report that scripts/guest/warnings has, by a module that provokes it: the runner of the test modules names
# that kind and no other, and fails the result. Reports that the kernel is not configured for are left out.
#
# Minutes: 2
# Builds: kalloc.ko selftests/lib/testlib.ko selftests/provoke/provoke.ko selftests/provoke/provoke_claim.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

# noticeable REPORT…: those of them that this kernel makes.
noticeable() {
	local report config
	for report; do
		case $report in
		sleeping | claim*) config=DEBUG_ATOMIC_SLEEP ;;
		kasan | ubsan | kmemleak) config=${report^^} config=${config/KMEMLEAK/DEBUG_KMEMLEAK} ;;
		dma-api) config=DMA_API_DEBUG ;;
		slub) config=SLUB_DEBUG ;;
		debug-objects) config=DEBUG_OBJECTS_TIMERS ;;
		page-poison) config=PAGE_POISONING ;;
		page-state) config=DEBUG_VM ;;
		list | suspicious-rcu | circular | recursive | lock-state | lock-usage | wait-context) config=PROVE_LOCKING ;;
		*) config=MODULES ;;
		esac
		! grep -q "^CONFIG_$config=y" "$KERNELDIR/build/.config" || echo "$report"
	done
}

# Lockdep is silent after its first report, and after KASAN's. An oops ends the guest's loader, so it is the last.
mapfile -t first < <(noticeable nothing suspicious-rcu circular warn atomic sleeping stall ubsan refcount list deprecated dma-api \
	debug-objects slub page-poison page-state kmemleak claim{0..11} kasan oops)
mapfile -t alone < <(noticeable recursive lock-state lock-usage wait-context)

# boot KMEMLEAK REPORT…: what the runner says, kmemleak among it or not.
export KALLOC_APPEND="page_poison=1"
boot() {
	local kmemleak=$1
	shift
	local modules=("${@/#/provoke:report=}")
	modules=("${modules[@]/#provoke:report=claim/provoke_claim:claim=}")
	# shellcheck disable=SC2016
	scripts/vm "$KERNELDIR" 300 bash -c 'echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout; exec "$@"' - \
		env KALLOC_KMEMLEAK="$kmemleak" "$top/selftests/guest/kalloc.sh" "$top/build/$name" "${modules[@]}" 2>/dev/null || true
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
seen=$tmp/seen

says() { grep -qE "$1" "$seen"; }
quiet() { says "^    ok 2 nothing" && says "^ok [0-9]+ provoke report=nothing\$" && ! says "complained while provoke report=nothing was"; }
# The kernel complained of that and nothing else, and the module's own ok is none.
noticed() {
	local kind=$1 module="provoke report=$1" result="2 $1"
	case $1 in
	claim*) kind=general module="provoke_claim claim=${1#claim}" result="1 claim" ;;&
	claim[01]) kind=sleeping ;;
	warn) kind=general ;;
	kmemleak) says "^# provoke report=kmemleak left memory behind\$" && says "^not ok [0-9]+ nothing is left behind\$"; return ;;
	oops) result= ;;	# nobody is left to speak
	esac
	[[ -z $result ]] || says "^    not ok $result\$" || return
	says "^# the kernel complained while $module was there: $kind\$" && says "^not ok [0-9]+ $module\$"
}

plan $((${#first[@]} + ${#alone[@]}))
boot yes "${first[@]}" | tee "$tmp/all" >"$seen"
for report in "${first[@]}"; do
	if [[ $report == nothing ]]; then check "$report" quiet; else check "$report" noticed "$report"; fi
done
for report in "${alone[@]}"; do
	boot no "$report" | tee -a "$tmp/all" >"$seen"
	check "$report" noticed "$report"
done
[[ $KTAP_CNT_FAIL == 0 ]] || sed 's/^/# /' "$tmp/all"
ktap_finished
