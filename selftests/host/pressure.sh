#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A small guest without free memory: which allocations fail, which wait, and that no process is killed.
# Kernels: stock rt arm64
# Builds: kalloc.ko selftests/lib/testlib.ko selftests/guest/pressure.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

mapfile -t tests < <(sed -n '/^testlib::tests!/,/^}/s/^    \([a-z_]*\),$/\1/p' selftests/guest/pressure.rs)
plan $((${#tests[@]} + 2))
# The kernel's own DAMON allocates with GFP_KERNEL now and then, which would start the OOM killer.
KALLOC_APPEND="${KALLOC_APPEND:-} damon_stat.enabled=N"
export KALLOC_APPEND
output=$(KALLOC_MEM=384M scripts/vm "$KERNELDIR" 240 "$top/selftests/guest/pressure.sh" "$top/build/$name") || true
# shellcheck disable=SC2001
sed 's/^/# /' <<<"$output"
says() { grep -qE "$1" <<<"$output"; }

for test in "${tests[@]}"; do
	check "$test" says "^ *ok [0-9]+ $test\$"
done
check "the kernel is quiet" says "^# complaints: none\$"
none_killed() { says "^# killed: 0\$" && says "^# out of memory: 0\$"; }
check "nobody is killed" none_killed
ktap_finished
