#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Each kind of complaint that scripts/guest/warnings has, by a module that does what the kernel complains of: the runner
# of the test modules says which kind it was, no other, and fails the result. What a kernel cannot notice it is not asked.
#
# Minutes: 2

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

# deeds WORD…: those of them that the kernel can notice.
deeds() {
	local deed config
	for deed; do
		case $deed in
		sleeping | claim*) config=DEBUG_ATOMIC_SLEEP ;;
		kasan | ubsan | kmemleak) config=${deed^^} config=${config/KMEMLEAK/DEBUG_KMEMLEAK} ;;
		dma-api) config=DMA_API_DEBUG ;;
		slub) config=SLUB_DEBUG ;;
		debug-objects) config=DEBUG_OBJECTS_TIMERS ;;
		page-poison) config=PAGE_POISONING ;;
		page-state) config=DEBUG_VM ;;
		list | suspicious-rcu | circular | recursive | lock-state | lock-usage | wait-context) config=PROVE_LOCKING ;;
		*) config=MODULES ;;
		esac
		! grep -q "^CONFIG_$config=y" "$KERNELDIR/build/.config" || echo "$deed"
	done
}

# Lockdep is silent after the first of its reports, or when memory is broken, and whom the kernel kills does not go on.
mapfile -t first < <(deeds nothing suspicious-rcu circular warn atomic sleeping stall ubsan refcount list deprecated dma-api \
	debug-objects slub page-poison page-state kmemleak claim{0..11} kasan oops)
mapfile -t alone < <(deeds recursive lock-state lock-usage wait-context)

# boot KMEMLEAK DEED…: what the runner says, kmemleak among it or not.
export KALLOC_APPEND="page_poison=1"
boot() {
	local kmemleak=$1
	shift
	local modules=("${@/#/wrong:deed=}")
	modules=("${modules[@]/#wrong:deed=claim/wrong_claim:claim=}")
	# shellcheck disable=SC2016
	scripts/vm "$KERNELDIR" 300 bash -c 'echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout; exec "$@"' - \
		env KALLOC_KMEMLEAK="$kmemleak" "$top/selftests/guest/kalloc.sh" "$top/build/$name" "${modules[@]}" 2>/dev/null || true
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
seen=$tmp/seen

says() { grep -qE "$1" "$seen"; }
quiet() { says "^    ok 2 nothing" && says "^ok [0-9]+ wrong deed=nothing\$" && ! says "complained while wrong deed=nothing was"; }
# The kernel complained of that and nothing else, and the module's own ok is none.
noticed() {
	local kind=$1 module="wrong deed=$1" result="2 $1"
	case $1 in
	claim*) kind=general module="wrong_claim claim=${1#claim}" result="1 claim" ;;&
	claim[01]) kind=sleeping ;;
	warn) kind=general ;;
	kmemleak) says "^# wrong deed=kmemleak left memory behind\$" && says "^not ok [0-9]+ nothing is left behind\$"; return ;;
	oops) result= ;;	# nobody is left to speak
	esac
	[[ -z $result ]] || says "^    not ok $result\$" || return
	says "^# the kernel complained while $module was there: $kind\$" && says "^not ok [0-9]+ $module\$"
}

plan $((${#first[@]} + ${#alone[@]}))
boot yes "${first[@]}" | tee "$tmp/all" >"$seen"
for deed in "${first[@]}"; do
	if [[ $deed == nothing ]]; then check "$deed" quiet; else check "$deed" noticed "$deed"; fi
done
for deed in "${alone[@]}"; do
	boot no "$deed" | tee -a "$tmp/all" >"$seen"
	check "$deed" noticed "$deed"
done
[[ $KTAP_CNT_FAIL == 0 ]] || sed 's/^/# /' "$tmp/all"
ktap_finished
