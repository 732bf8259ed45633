#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: compile_fail.sh [--bless] [NAME…]	(in the toolbox, after scripts/build)
#
# What must not compile does not, and says why: each program in compile_fail/ is a misuse, with `//~` on the line that
# is wrong and with what a person reads in the .stderr beside it; the first of each group, `ok`, must compile. The
# harness is ui_test. NAME, also in KALLOC_PROGRAMS, is part of the path of a program. --bless writes the .stderr files
# anew: read their diff.
#
# The text is that of the stock kernel's compiler. On unstable, which has another, a program has to fail at the lines that
# are marked. On arm64 only the programs are tried that say that they are for it: the others differ in nothing there.
#
# Kernels: stock rt arm64 unstable
# Minutes: 2

. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"

programs=$top/selftests/compile_fail
runner=$programs/runner
export CARGO_HOME=$cache/cargo
CARGO_TARGET_DIR=$cache/compile_fail-$({ cat "$runner/Cargo.lock"; rustc -vV; } | sha256sum | cut -c1-12)
export CARGO_TARGET_DIR
say "building the harness of the compile-fail tests"
cargo build --quiet --locked --manifest-path "$runner/Cargo.toml" >&2 ||
	die "the harness could not be built; the reason is above."

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0
read -ra names <<<"$* ${KALLOC_PROGRAMS:-}"
[[ ${KERNEL:-stock} != arm64 ]] || names+=(_on_arm64)
"$CARGO_TARGET_DIR/debug/compile_fail" "$programs" "$(realpath "$cache/kernel-${KERNEL:-stock}")" "$out" "${names[@]}" \
	&>"$out/report" || status=$?
echo "KTAP version 1"
[[ $status == 0 ]] || sed '/ \.\.\. ok$/d; s/^/# /' "$out/report"
cat "$out/ktap" 2>/dev/null || echo "Bail out! The harness stopped."
exit "$status"
