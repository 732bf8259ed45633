#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: doctest.sh [NAME…]	(in the toolbox, after scripts/build)
#
# Every example in the documentation of the crate compiles, with the flags that Kbuild uses. They are not run: most need
# a kernel. rustdoc finds them; NAME is part of "file - item (line)".
#
# Kernels: stock rt

. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/common.sh"
# shellcheck source=/dev/null
. "$cache/kernel-${KERNEL:-stock}/source/tools/testing/selftests/kselftest/ktap_helpers.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cp -r "$top/rust" "$tmp"
# rustdoc forgets -Zcrate-attr when it looks for examples.
sed -i '1s/^/#![no_std] /' "$tmp/rust/kalloc/kalloc.rs"

status=0
PROGRAM=rustdoc LIKE=rust/kalloc/kalloc "$top/selftests/compile_fail/rustc" --test --no-run --crate-name documented \
	--test-builder "$top/selftests/doctest/rustc" "${@/#/--test-args=}" "$tmp/rust/kalloc/kalloc.rs" \
	&>"$tmp/report" || status=$?
sed -i "s|$tmp/||g" "$tmp/report"
examples=$(sed -nE 's/^test (.*) - .*\(line ([0-9]+)\).* \.\.\. (.*)/\3 \1:\2/p' "$tmp/report" | sort -Vk2)

echo "KTAP version 1"
[[ $status == 0 ]] || sed '/^test .* ok$/d; s/^/# /' "$tmp/report"
[[ -n $examples ]] || { echo "Bail out! rustdoc found no examples."; exit 1; }
ktap_set_plan "$(wc -l <<<"$examples")"
while read -r result name; do
	case $result in
	ok) ktap_test_pass "$name" ;;
	ignored*) ktap_test_skip "$name" ;;
	*) ktap_test_fail "$name" ;;
	esac
done <<<"$examples"
ktap_finished
