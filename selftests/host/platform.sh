#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The platform driver sample: the devices that it says it is for, and selftests/guest/platform.sh in a guest whose
# firmware has one of them.
#
# Minutes: 1
# Kernels: stock rt debug arm64

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
aliases=$(modinfo -F alias "build/$name/samples/kalloc_platform.ko")
devices=$(scripts/devices "$tmp")
export KALLOC_QEMU="$devices${KALLOC_QEMU:+ $KALLOC_QEMU}"
case $arch_firmware in
acpi) device=(KALL0001:00 ACPI) ;;
devicetree) device=(kalloc0 OF) ;;
esac
output=$(scripts/vm "$KERNELDIR" 600 "$top/selftests/guest/platform.sh" "$top/build/$name" "${device[@]}") || true
results=$(grep -cE '^(not )?ok ' <<<"$output")

plan $((4 + results))
has() { grep -qxF "$1" <<<"$aliases"; }
check "modinfo: platform" has platform:kalloc_platform
check "modinfo: ACPI" has "acpi*:KALL0001:*"
check "modinfo: OF" has "of:N*T*Ckalloc,platform"
ended() { grep -qx "1\.\.$results" <<<"$output"; }
check "the guest ran to its end" ended
while read -r line; do
	case $line in
	ok\ *) ktap_test_pass "$(cut -d' ' -f3- <<<"$line")" ;;
	not\ ok\ *) ktap_test_fail "$(cut -d' ' -f4- <<<"$line")" ;;
	\#*) echo "$line" ;;
	esac
done <<<"$output"
ktap_finished
