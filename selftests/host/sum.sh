#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The sum of the tests counts what it should, and a document that is not whole is a failure.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

plan 8

# sums NAME STATUS SUM: the document on standard input has that sum, and ends the run with that status
sums() {
	local output status=0
	cat >document.ktap
	output=$(scripts/ktap-sum "$KERNELDIR/source" document.ktap 2>errors) || status=$?
	if [[ $status == "$2" && $output == "$3" ]]; then
		ktap_test_pass "$1"
	else
		echo "# exit status $status, \"$output\""
		ktap_test_fail "$1"
	fi
}

sums "a whole document" 0 "1 passed, 0 failed, 1 skipped" <<'END'
KTAP version 1
1..2
ok 1 a
ok 2 b # SKIP no
END
sums "a failure" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
1..2
ok 1 a
not ok 2 b
END
sums "a nested failure" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
1..1
  KTAP version 1
  1..2
  ok 1 x
  not ok 2 y
not ok 1 b
END
sums "a document that breaks off" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
1..2
ok 1 a
END
sums "no plan" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
ok 1 a
END
sums "more than planned" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
1..1
ok 1 a
not ok 2 b
END
sums "an empty document" 1 "0 passed, 1 failed, 0 skipped" </dev/null
sums "no document" 1 "0 passed, 1 failed, 0 skipped" <<<"Segmentation fault"

ktap_finished
