#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What scripts/bench counts is what kalloc may cost, operation by operation, and what Documentation/ says that it costs.
#
# Kernels: stock rt arm64

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

if grep -qx CONFIG_PREEMPT_RT=y "$KERNELDIR/build/.config"; then
	plan 1
	ktap_test_skip "allocation with interrupts off, which PREEMPT_RT does not have"
	ktap_finished
fi

json=build/$name/bench.json
rm -f "$json"
output=$(scripts/bench 2>&1) || true
# shellcheck disable=SC2001
sed 's/^/# /' <<<"$output"
[[ -e $json ]] || die "the benchmark did not run; the reason is above"
mapfile -t rows < <(selftests/bench/check "$json")
exceptions=selftests/bench/exceptions.$arch

plan $((${#rows[@]} + 2))
for row in "${rows[@]}"; do
	check "$row" selftests/bench/check "$json" "$exceptions" "$row"
done
check "every exception is of a row" selftests/bench/check "$json" "$exceptions"
case $arch in
x86_64) page=bench.rst ;;
aarch64) page=arm64.rst ;;
esac
check "Documentation/ says what was measured" scripts/bench-table --check "$json" "$page"
ktap_finished
