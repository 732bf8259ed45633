#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every command of the pages for authors is run: here, by an ordinary user in a copy of the checkout, or by the test that lib/commands
# names. What README shows of make run is what it prints.
#
# Kernels: stock
# Minutes: 2

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/author.sh"

tmp=$(mktemp -d)
trap 'author_ends "$tmp"' EXIT
unset MAKEFLAGS DRIVER TESTS KERNEL
list=$top/selftests/host/lib/commands
pages=(README.md template/README.md Documentation/authors.rst Documentation/driver.rst)

# column N: of the list, without the blanks around it.
column() { sed '/^#/d' "$list" | awk -F ' *[|] *' -v n="$1" '{ print $n }'; }
listed() { diff <(selftests/host/lib/commands.py "${pages[@]}" | sort) <(column 1 | sort); }

# Tests that do not have what the list says that they run, and commands that nothing runs, without a reason.
not_run() {
	local command by what
	while IFS='|' read -r command by what; do
		read -r by <<<"$by"
		read -r what <<<"$what"
		case $by in
		here | nothing) [[ -n $what ]] || echo "$command: $by, and nothing more" ;;
		*) grep -qF -- "$what" "selftests/host/$by.sh" || echo "$command: $by has no: $what" ;;
		esac
	done < <(sed '/^#/d' "$list")
}
[[ $(selftests/host/lib/commands.py "${pages[@]}" | wc -l) -gt 20 ]] || { echo "Bail out! The pages have no commands."; exit 1; }

copy_checkout "$tmp/copy"
# Built already, as by the first make run.
mkdir -p "$tmp/copy/build/stock"
(cd build/stock && cp --parents kalloc.ko samples/*.ko selftests/fixtures/edu "$tmp/copy/build/stock")
# runs COMMAND: what it says is kept.
runs() { (cd "$tmp/copy" && tmp="$tmp" KALLOC_BUILT=1 as_author bash -c "$1") >"$tmp/said" 2>&1 || { cat "$tmp/said"; return 1; }; }

# The lines that README shows are there, in that order; a time is shown as "[…]", and "…" stands for other lines.
shown() {
	sed -n '/^```console/,/^```/p' README.md | sed '1d;$d; /^…$/d' >"$tmp/shown"
	[[ $(wc -l <"$tmp/shown") -gt 5 ]] || return
	diff "$tmp/shown" <(sed 's/^\[ *[0-9.]*\]/[…]/' "$tmp/run" | tr -d '\r' | awk -v shown="$tmp/shown" '
		BEGIN { getline want <shown }
		$0 == want { print; if ((getline want <shown) != 1) exit }')
}

mapfile -t here < <(sed '/^#/d' "$list" | awk -F ' *[|] *' '$2 == "here" { print $3 }' | sort -u)
plan $((${#here[@]} + 3))
check "every command of the pages is in the list, and no other" listed
check "each is run" diff /dev/null <(not_run)
for command in "${here[@]}"; do
	check "$command" runs "$command"
	[[ $command != "make run" ]] || cp "$tmp/said" "$tmp/run"
done
check "make run prints what README shows" shown
ktap_finished
