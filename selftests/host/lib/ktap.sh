# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the tests of what is built share. They run in the toolbox.

. "$(dirname "${BASH_SOURCE[0]}")/../../../scripts/common.sh"

name=${KERNEL:-stock}
KERNELDIR=${KERNELDIR:-$(realpath "$cache/kernel-$name")}
# shellcheck source=/dev/null
. "$KERNELDIR/source/tools/testing/selftests/kselftest/ktap_helpers.sh"
cd "$top" || exit

plan() {
	echo "KTAP version 1"
	ktap_set_plan "$1"
}

# copy_checkout DIRECTORY: its files, once more, in a new directory.
copy_checkout() {
	mkdir "$1"
	git -c safe.directory='*' ls-files -z | xargs -0 cp --parents -t "$1"
}

# no_warning LOG: of a build. Those about the kernel's headers are not ours.
no_warning() { ! grep -A7 -i 'warning' "$1" | grep -v "^[^ ]*$(realpath "$KERNELDIR/source")/"; }

# check NAME COMMAND…: COMMAND must succeed; what it prints is shown.
check() {
	local title=$1 said status=0
	shift
	said=$("$@" 2>&1 </dev/null) || status=$?
	[[ -z $said ]] || sed 's/^/# /' <<<"$said"
	if [[ $status == 0 ]]; then ktap_test_pass "$title"; else ktap_test_fail "$title"; fi
}
