#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Nothing is left behind when the modules are unloaded: no slab cache, of which a kernel booted with slab_nomerge shows
# every one, no area of vmalloc, no per-CPU memory, no page. And a page that a module leaks is seen.
# Cells: stock

. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

KALLOC_APPEND="${KALLOC_APPEND:-} slab_nomerge"
export KALLOC_APPEND
guest() { scripts/vm "$KERNELDIR" 600 "$top/selftests/nomerge.sh" "$top/build/$name" "$@"; }
says() { grep -qE "$1" <<<"$output"; }

plan 14
# The result lines without their numbers, each of which is a result here.
output=$(guest) || true
# shellcheck disable=SC2001
sed 's/^/# /' <<<"$output"
mapfile -t results < <(sed -nE 's/^(not )?ok [0-9]+ //p' <<<"$output")
[[ ${#results[@]} == 12 ]] || echo "# the guest gave ${#results[@]} results of 12"
for result in "${results[@]}"; do
	check "$result" says "^ok [0-9]+ $result\$"
done

output=$(guest 40 "$top/build/$name/selftests/wrong_leak.ko" 2>/dev/null) || true
is_seen() {
	grep "${1#free }: slope" <<<"$output"
	says "^not ok [0-9]+ $1 have no slope\$"
}
check "a page that leaks is seen" is_seen "free pages"
check "an object that leaks is seen" is_seen slabs
ktap_finished
