#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A call of kalloc is what C's macro makes of the same call. Names that end in _n are of functions whose size is known
# at run time: Rust counts elements and checks their number, so there only the calls and their constants are the same.
#
# Kernels: stock rt

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

object=build/$name/selftests/codegen/codegen.o
names=$(selftests/codegen/compare "$object")
# On PREEMPT_RT a free in a raw section is put off, so it is not C's.
[[ $name != rt ]] || names=$(tr ' ' '\n' <<<"$names" | grep -v free)

# shellcheck disable=SC2086	# names are words
plan "$(wc -w <<<"$names")"
for call in $names; do
	how=same
	[[ $call != *_n ]] || how=calls
	check "$call" selftests/codegen/compare "$object" "$call" "$how"
done
ktap_finished
