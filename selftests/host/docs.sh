#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The documentation is made without a warning, and gfp.rst says of each flag what
# selftests/test_gfp.rs compares with C.

. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

# The rows of the list tables, first and last column: C's expression, a tab, kalloc's.
rows() {
	sed -nE 's/^   \* - ``(.*)``$/c \1/p; s/^     - ``(.*)``$/k \1/p; s/^     -.*/k/p' Documentation/gfp.rst |
		awk '/^c/ { c = substr($0, 3); n = 0 } /^k/ && c && ++n == 2 { print c "\t" substr($0, 3); c = "" }'
}

# Whether the test compares $2 with $1. Line breaks within a row do not count.
tested=$(tr -d ' \n' <selftests/test_gfp.rs)
compared() { [[ $tested == *"(c\"${1// /}\",bits(${2// /})"* ]]; }

mapfile -t all < <(rows)
plan $((${#all[@]} + 2))
check "the documentation is made without a warning" scripts/doc
check "the table has every row of the test" [ "${#all[@]}" = "$(grep -c 'c"_*GFP' selftests/test_gfp.rs)" ]
for row in "${all[@]}"; do
	check "${row/$'\t'/ is }" compared "${row%$'\t'*}" "${row#*$'\t'}"
done
ktap_finished
