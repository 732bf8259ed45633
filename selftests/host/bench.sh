#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What scripts/bench counts is what kalloc may cost, operation by operation, and what Documentation/ says that it costs.
#
# Kernels: stock rt

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

plan $((${#rows[@]} + 2))
for row in "${rows[@]}"; do
	check "$row" selftests/bench/check "$json" "$row"
done
check "every exception is of a row" selftests/bench/check "$json" --exceptions
if [[ $name == stock ]]; then
	check "Documentation/ says what was measured" scripts/bench-table --check "$json"
else
	ktap_test_skip "Documentation/ is of the stock kernel"
fi
ktap_finished
