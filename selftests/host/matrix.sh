#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Documentation/matrix.rst says of each flag in each context what is true: the cells that it says compile do and are run
# by test_matrix, and each of the others does not compile.
#
# Cells: stock rt

. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
on_rt=$(grep -c '^CONFIG_PREEMPT_RT=y' "$KERNELDIR/build/.config" || true)

# cells: "CONTEXT FLAGS TEST" of each cell, TEST being `no` where it must not compile on this kernel.
cells() {
	tr -d '`' <Documentation/matrix.rst | awk -v rt="$on_rt" '
		/^=====+  =/ { border++; next }
		border == 1 { for (i = 2; i <= NF; i++) context[i] = $i }
		border == 2 { n = split($0, cell, /  +/)
			for (i = 2; i <= n; i++) {
				off = sub(/ off RT/, "", cell[i])
				print context[i], cell[1], off && rt ? "no" : cell[i] } }'
}

# program yes|no: a function a cell, a line each: those that compile, or those that do not.
program() {
	echo '//! Cells of the matrix.'
	echo 'use kalloc::prelude::*;'
	awk -v which="$1" '($3 == "no") == (which == "no") {
		printf "pub fn cell%d(cx: &mut %s) { let _ = cx.with(%s); } // %s in %s\n", NR, $1 ($1 == "Task" ? "" : "<\x27_>"), $2, $2, $1
	}' "$tmp/cells"
	echo 'const __LOG_PREFIX: &[u8] = b"matrix\0";'
}

compile() { selftests/compile_fail/rustc -Amissing_docs --emit=metadata --out-dir "$tmp" "$1"; }

# run_by TEST FLAGS: whether test_matrix has FLAGS in the list of TEST.
run_by() { sed -n "/^    $1: .* => \[/,/\]/p" selftests/test_matrix.rs | grep -qw "$2"; }

cells >"$tmp/cells"
program yes >"$tmp/allowed.rs"
program no >"$tmp/forbidden.rs"
compile "$tmp/forbidden.rs" 2>"$tmp/errors" || true
sed -nE 's/^ *--> .*forbidden\.rs:([0-9]+):.*/\1/p' "$tmp/errors" | sort -un >"$tmp/lines"

plan $((1 + $(wc -l <"$tmp/cells")))
check "all that the table allows compiles" compile "$tmp/allowed.rs"
while read -r context flags test; do
	if [[ $test == no ]]; then
		line=$(grep -n "// $flags in $context\$" "$tmp/forbidden.rs")
		check "$flags in $context does not compile" grep -qx "${line%%:*}" "$tmp/lines"
	else
		check "$flags in $context is run by $test" run_by "$test" "$flags"
	fi
done <"$tmp/cells"
ktap_finished
