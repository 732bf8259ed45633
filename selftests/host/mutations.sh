#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Every mutation applies to the checkout, also where lines have moved, and names a test that is there. That the test
# notices it is for `make mutants`, which takes hours.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

# names_a_test PATCH: its first line names a document and, of the test modules, a module and its test; the patch is in the
# folder of that document or module.
names_a_test() {
	local document test module=""
	read -r document test < <(sed -n '1s/^Caught by: //p' "$1")
	[[ -n $document && -n $test && -x selftests/host/$document.sh ]] || { echo "there is no document ${document:-it}"; return 1; }
	case $document in
	guest)
		read -r module test <<<"$test"
		[[ -n $test ]] || { echo "no test of $module is named"; return 1; }
		# Some names are put together by a macro of the module.
		compgen -G "selftests/guest/$module.*" >/dev/null || { echo "there is no module $module"; return 1; } ;;
	compile_fail)
		compgen -G "selftests/compile_fail/$test*.rs" >/dev/null || { echo "there is no program $test"; return 1; } ;;
	doctest)
		[[ -e ${test//.//}.rs ]] || { echo "there is no file $test"; return 1; } ;;
	esac
	[[ $1 == selftests/mutations/${module:-$document}/* ]] || { echo "it is not in the folder ${module:-$document}"; return 1; }
}

applies() { git -c safe.directory='*' apply --check -C1 "$1"; }

# every COMMAND: it succeeds for each patch.
every() {
	local patch failed=0
	for patch in selftests/mutations/*/*.patch; do
		"$1" "$patch" || { echo "in $patch"; failed=1; }
	done
	return "$failed"
}

plan 2
check "every mutation applies" every applies
check "every mutation names a test that is there" every names_a_test
ktap_finished
