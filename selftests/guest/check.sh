# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# Prints the results of the tests of a script in a guest. The script ends with `exit "$status"`.

status=0 number=0

# check DESCRIPTION COMMAND…: COMMAND must succeed.
check() {
	local description=$1 result=ok
	shift
	"$@" || { result="not ok"; status=1; }
	number=$((number + 1))
	echo "$result $number $description"
}
