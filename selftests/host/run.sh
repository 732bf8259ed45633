#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What `make run` does in the guest: drivers work, and it says ok; it does not where a module warns or does not load. And
# what a sample says of a parameter that it cannot use.
#
# Minutes: 1

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

modules=$top/build/$name
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# All in one guest, which is the same to each. A line "== NAME" goes before what NAME says.
cat >"$tmp/guest" <<'END'
run() { echo "== $1"; "$run" kalloc.ko "${@:2}"; echo "status $?"; }
refuses() { insmod samples/kalloc_first.ko "$1"; echo "status $?"; dmesg | grep kalloc_first: | tail -1; }
run=$1
run samples samples/*.ko
run init selftests/provoke/provoke_init_error.ko
insmod kalloc.ko
for size in 0 99999999 large; do echo "== $size"; refuses "size=$size"; done
rmmod kalloc
run warning selftests/provoke/provoke.ko
END
KALLOC_TIMEOUT=300 scripts/run bash -c "$(cat "$tmp/guest")" - "$top/scripts/guest/run" 2>/dev/null |
	tr -d '\r' >"$tmp/said"

# says NAME PATTERN: one of its lines is that, whole.
says() { sed "0,/^== $1\$/d; /^== /,\$d" "$tmp/said" | grep -xE "$2"; }
fails() { says "$1" "status 1" && says "$1" "$2"; }

samples=("$modules"/samples/*.ko)
release=$(cat "$KERNELDIR/release")
ok="run: ok \(kernel ${release//+/\\+}, $((${#samples[@]} + 1)) modules loaded and unloaded, 0 warnings\)"

case $arch_firmware in
acpi) device=KALL0001:00 by=ACPI ;;
devicetree) device=kalloc0 by=OF ;;
esac
state="/sys/kernel/debug/kalloc_platform-$device/state:State \{ bound_by: \"$by\", requests: 16, ring: [1-9][0-9]* \}"

# of SAMPLE TITLE PATTERN: what the run says of a sample, if this kernel has it.
of() {
	if [[ -e $modules/samples/$1.ko ]]; then check "$2" says samples "$3"; else ktap_test_skip "$2"; fi
}

plan 10
check "every sample loads, unloads and is quiet" says samples "$ok"
of kalloc_platform "the platform driver is bound, and shows its state" "$state"
of kalloc_edu "the device of edu computes" "/dev/kalloc_edu: 10! = 3628800"
of kalloc_edu "the device of edu copies" "/dev/kalloc_edu: DMA: there and back"
of kalloc_dma "the device of kalloc_dma is bound" '.*kalloc_dma.*: 5 pairs at 0x[0-9a-f]+, (16384|65536) bytes in segments: [1-4]'
check "a warning fails the run" fails warning "run: failed: the kernel complained: general"
check "a module that does not load fails the run" fails init "run: failed: selftests/provoke/provoke_init_error.ko does not load"
check "a size of nothing is refused" fails 0 ".*kalloc_first: size=0 is not from 1 to [0-9]+"
check "a size beyond kmalloc is refused" fails 99999999 ".*kalloc_first: size=99999999 is not from 1 to [0-9]+"
check "a size that is no number is refused" fails large ".*kalloc_first: .large. invalid for parameter .size."
[[ $KTAP_CNT_FAIL == 0 ]] || sed 's/^/# /' "$tmp/said"
ktap_finished
