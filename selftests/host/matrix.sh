#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: matrix.sh [--bless]	(in the toolbox, after scripts/build)
#
# Documentation/matrix.rst says of each flag in each context what is true: the cells that it says compile do and are run
# by test_matrix, and each of the others does not compile. --bless writes the cells anew, from what compiles for the stock
# kernel and for PREEMPT_RT.
#
# Kernels: stock rt

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
page=Documentation/matrix.rst

# cells ON_RT: "CONTEXT FLAGS TEST" of each cell, TEST being `no` where it must not compile on this kernel.
cells() {
	tr -d '`' <$page | awk -v rt="$1" '
		/^=====+  =/ { border++; next }
		border == 1 { columns = NF; for (i = 2; i <= NF; i++) context[i] = $i }
		border == 2 { split($0, cell, /  +/)
			for (i = 2; i <= columns; i++) {
				off = sub(/ off RT/, "", cell[i])
				print context[i], cell[1], off && rt ? "no" : cell[i] ? cell[i] : "no" } }'
}

# program yes|no|all: a function a cell, a line each: those that compile, those that do not, or both. A modifier is one of
# the flags that the context has by default.
program() {
	echo '//! Cells of the matrix.'
	echo 'use kalloc::{nolock::NolockPages, prelude::*};'
	awk -v which="$1" '
		BEGIN { base["TaskCx"] = "GFP_KERNEL"; base["NoFsCx"] = "GFP_NOFS"; base["NoIoCx"] = base["NoReclaimCx"] = "GFP_NOIO"
			base["AtomicCx"] = base["BhCx"] = base["IrqCx"] = base["RawCx"] = "GFP_ATOMIC"; base["NmiCx"] = "GFP_NOLOCK" }
		which == "all" || ($3 == "no") == (which == "no") {
			flags = $2 ~ /^\./ ? base[$1] $2 : $2
			call = flags ~ /^GFP_NOLOCK/ ? "NolockPages::<0>::new(cx.with(" flags "))" : "Pages::new_uninit(cx.with(" flags "), Order::<0>)"
			printf "pub fn cell%d(cx: &mut %s) { let _ = %s; } // %s in %s\n", NR, $1 ($1 == "TaskCx" ? "" : "<\x27_>"), call, $2, $1 }' "$tmp/cells"
	echo 'const __LOG_PREFIX: &[u8] = b"matrix\0";'
}

compile() { selftests/compile_fail/rustc -Amissing_docs --emit=metadata --out-dir "$tmp" "$1"; }
# wrong FILE: the numbers of its lines that do not compile.
wrong() {
	compile "$1" 2>"$tmp/errors" || true
	sed -nE "s/^ *--> .*$(basename "$1" .rs)\.rs:([0-9]+):.*/\1/p" "$tmp/errors" | sort -un
}

# compiling KERNEL: "CONTEXT FLAGS" of each cell that compiles there.
compiling() {
	program all >"$tmp/all.rs"
	KERNEL=$1 wrong "$tmp/all.rs" >"$tmp/lines"
	awk 'FILENAME != ARGV[2] { wrong[$1] = 1; next } / in / && !(FNR in wrong) { print $NF, $(NF - 2) }' "$tmp/lines" "$tmp/all.rs"
}

bless() {
	cells 0 >"$tmp/cells"
	compiling stock >"$tmp/stock"
	compiling rt >"$tmp/rt"
	awk -v stock="$tmp/stock" -v rt="$tmp/rt" '
		BEGIN { while ((getline <stock) > 0) on_stock[$0] = 1
			while ((getline <rt) > 0) on_rt[$0] = 1
			test["NoReclaimCx"] = "noreclaim" }
		/^=====+  =/ { border++ }
		border == 1 && /``TaskCx``/ { columns = split($0, name, /  +/)
			for (i = 2; i <= columns; i++) { at[i] = index($0, name[i]); gsub(/`/, "", name[i]) } }
		border != 2 || !/^``/ { print; next }
		{ flags = $1; gsub(/`/, "", flags); line = $1
			for (i = 2; i <= columns; i++) {
				key = name[i] " " flags
				cell = !on_stock[key] ? "no" : (test[name[i]] ? test[name[i]] : tolower(name[i])) (on_rt[key] ? "" : " off RT")
				line = sprintf("%-*s%s", at[i] - 1, line, cell) }
			print line }' $page >"$tmp/page"
	cp "$tmp/page" $page
}
[[ ${1:-} != --bless ]] || { bless; exit; }

# run_by TEST FLAGS: whether test_matrix has FLAGS in the lists of TEST.
run_by() { sed -n "/^    $1: .* => \[/,/\];/p" selftests/guest/test_matrix.rs | grep -qw "${2//[.()]/}"; }

rt=$(grep -c '^CONFIG_PREEMPT_RT=y' "$KERNELDIR/build/.config" || true)
cells "$rt" >"$tmp/cells"
program yes >"$tmp/allowed.rs"
program no >"$tmp/forbidden.rs"
wrong "$tmp/forbidden.rs" >"$tmp/lines"

plan $((1 + $(wc -l <"$tmp/cells")))
check "all that the table allows compiles" compile "$tmp/allowed.rs"
while read -r context flags test; do
	if [[ $test == no ]]; then
		line=$(grep -nF "// $flags in $context" "$tmp/forbidden.rs")
		check "$flags in $context does not compile" grep -qx "${line%%:*}" "$tmp/lines"
	else
		check "$flags in $context is run by $test" run_by "$test" "$flags"
	fi
done <"$tmp/cells"
ktap_finished
