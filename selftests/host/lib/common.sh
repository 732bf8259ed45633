# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests of the scripts share: a scratch copy of the scripts, stand-ins for commands, and
# "this command stops with this sentence". They run in the toolbox, as root of it.

set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=suite/trixie.sh
. "$top/scripts/suite/trixie.sh"
# shellcheck source=arch/x86_64.sh
. "$top/scripts/arch/$(uname -m).sh"
# shellcheck source=/dev/null
. "$KERNELDIR/source/tools/testing/selftests/kselftest/ktap_helpers.sh"
plan() { echo "KTAP version 1"; ktap_set_plan "$1"; }

# All mounts are this test's own.
if [[ -z ${KALLOC_HOST_MOUNTS:-} ]]; then
	KALLOC_HOST_MOUNTS=1 exec unshare --mount --propagation unchanged "$0" "$@"
fi
unset KALLOC_HOST_MOUNTS

tmp=$(mktemp -d)
trap 'rm -rf --one-file-system "$tmp"' EXIT
chmod 755 "$tmp"
mkdir "$tmp/shim"
cp -r "$top/scripts" "$top/packaging" "$top/Makefile" "$tmp/"
mkdir "$tmp/rust"
cp -r "$top/rust/series" "$tmp/rust/"
cd "$tmp" || exit

# shim NAME: a stand-in for a command, from standard input; found first in PATH after `use_shims`.
shim() {
	{ echo '#!/bin/bash'; cat; } >"$tmp/shim/$1"
	chmod +x "$tmp/shim/$1"
}

# hide NAME: a PATH with every command of the toolbox but that one.
hide() {
	mkdir -p "$tmp/without-$1"
	cp -s /usr/bin/* /usr/sbin/* "$tmp/without-$1/" 2>/dev/null
	rm -f "$tmp/without-$1/$1"
	echo "$tmp/without-$1"
}

# says NAME PATTERN COMMAND…: COMMAND must fail and the last line that it says as $program match PATTERN (extended, whole).
program=kalloc
says() {
	local name=$1 pattern=$2 output status=0 last
	shift 2
	output=$("$@" 2>&1 </dev/null) || status=$?
	last=$(grep "^$program: " <<<"$output" | tail -1)
	if [[ $status != 0 && ${last#"$program: "} =~ ^$pattern$ ]]; then
		ktap_test_pass "$name"
	else
		sed 's/^/# /' <<<"$output"
		echo "# exit status $status, and the sentence is not: $pattern"
		ktap_test_fail "$name"
	fi
}

# check NAME COMMAND…: COMMAND must succeed.
check() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1 </dev/null); then
		ktap_test_pass "$name"
	else
		sed 's/^/# /' <<<"$output"
		ktap_test_fail "$name"
	fi
}
