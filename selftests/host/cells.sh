#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What `make test-all` runs and keeps, and README's table of what is supported.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

git init -q .
git add scripts
export KALLOC_CACHE=$tmp/cache KALLOC_CELLS=$tmp/cells
mkdir cache
shim count <<'SHIM'
echo run >>"$1-runs"
echo "1 passed"
[ "$1" != bad ]
SHIM
printf '%s\n' "# a comment" "good | 7.3 | | | | | | make -f counts good" "bad | | | | | | | count bad" >cells
printf 'good:\n\t@count good\n' >counts
# As `make test-all` runs it.
all() { MAKELEVEL=1 MAKEFLAGS=w PATH=$tmp/shim:$PATH scripts/test-all "$@" 2>/dev/null | grep -v '^1 passed$' | sed 's/[0-9]* minutes, 20[0-9-]*/N minutes/' >said; return "${PIPESTATUS[0]}"; }
# said STATUS [CELL…]: the table, from standard input.
said() {
	local wanted=$1 status=0
	shift
	all "$@" || status=$?
	diff said - <&4 && [[ $status == "$wanted" ]]
}
runs() { [[ $(cat "$1-runs" | wc -l) == "$2" ]]; }

readme() {
	diff <(sed '/^#/d' "$top/scripts/cells" | awk -F ' *[|] *' '$2 { printf "| %s | %s | %s | %s | %s | %s |\n", $2, $3, $4, $5, $7, $6 }') \
		<(sed -n '/^| Linux | flavour/,/^$/p' "$top/README.md" | sed '1,2d; /^$/d')
}
# Those of a plain `make test` are the kernels that it takes.
kernels() {
	diff <(sed '/^#/d' "$top/scripts/cells" | awk -F ' *[|] *' '$6 == "`make test`" { print $1 }' | xargs) \
		<(sed -n 's/^kernels=${KALLOC_KERNELS:-\(.*\)}$/\1/p' "$top/scripts/test-kernels")
}

plan 7
check "a cell that fails is a failure" said 1 4<<'END'
good          N minutes: 1 passed
bad        failed
END
check "a cell that passed is kept, and one that failed is not" said 1 4<<'END'
good          N minutes: 1 passed
bad        failed
END
check "each ran as often as it had to" eval 'runs good 1 && runs bad 2'
echo >>scripts/cells
check "a changed file has the cells run again" eval 'said 0 good 4<<<"good          N minutes: 1 passed" && runs good 2'
says "an unknown cell" "there is no cell nonsense; choose of: good bad\." scripts/test-all nonsense
check "README's table has the cells" readme
check "make test runs its cells" kernels
ktap_finished
