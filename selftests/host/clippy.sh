#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# samples/clippy.toml: clippy rejects in a driver each thing that it lists, and says what to use instead. It has nothing
# to say of the samples. And it lists all of the kernel crate that it should.
#
# Kernels: stock

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export CLIPPY_CONF_DIR=$top/samples

# clippy FILE: what it says of it.
clippy() {
	PROGRAM=clippy-driver selftests/compile_fail/rustc -Wclippy::mem_forget --emit=metadata --out-dir "$tmp" "$1" 2>&1
}
# The path of each method, a tab, and what is said of it.
rows() { sed -n "/^$1 = /,/^]/p" samples/clippy.toml | sed -nE 's/.*path = "([^"]*)", reason = "([^"]*)".*/\1\t\2/p'; }
mapfile -t methods < <(rows disallowed-methods)
mapfile -t types < <(rows await-holding-invalid-types)
clippy "$top/selftests/clippy/driver.rs" >"$tmp/said" || true
held() { grep -A8 "holding a disallowed type across an await point \`$1\`" "$tmp/said" | grep -qF "$2"; }
rejected() { grep -A8 "disallowed method \`$1\`" "$tmp/said" | grep -qF "$2"; }
complete() { selftests/clippy/unchecked "$KERNELDIR/source" samples/clippy.toml selftests/clippy/allowed; }
quiet() { ! clippy "$top/$1" | grep -A8 -e disallowed -e mem::forget; }

samples=(samples/*.rs)
plan $((${#methods[@]} + ${#types[@]} + 2 + ${#samples[@]}))
check "nothing of the kernel crate that takes flags or gives a guard is left out" complete
for method in "${methods[@]}"; do check "${method%$'\t'*} is rejected" rejected "${method%$'\t'*}" "${method#*$'\t'}"; done
for type in "${types[@]}"; do check "${type%$'\t'*} in a future is rejected" held "${type%$'\t'*}" "${type#*$'\t'}"; done
check "with the lint mem_forget, a forgotten guard" grep -A4 'usage of `mem::forget` on `Drop` type' "$tmp/said"
[[ $KTAP_CNT_FAIL == 0 ]] || sed 's/^/# /' "$tmp/said"
for sample in "${samples[@]}"; do check "$sample is as it should be" quiet "$sample"; done
ktap_finished
