#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What `make run` does in the guest: it says ok, and does not where a module warns or does not load.

. "$(dirname "${BASH_SOURCE[0]}")/ktap.sh"

# guest MODULE…: the last line of a run with these modules, and its status.
guest() {
	local status=0
	(cd "build/$name" && "$top/scripts/vm" "$KERNELDIR" 60 "$top/scripts/guest/run" kalloc.ko "$@") >"$seen" 2>/dev/null ||
		status=$?
	sed 's/^/# /' "$seen"
	return "$status"
}
says() { [[ $(tail -1 "$seen" | tr -d '\r') =~ ^$1$ ]]; }
fails_with() { ! guest "${@:2}" && says "$1"; }

seen=$(mktemp)
trap 'rm -f "$seen"' EXIT
samples=("build/$name/samples"/*.ko)
release=$(cat "$KERNELDIR/release")

plan 3
runs() { guest "${samples[@]/#build\/$name\//}" && says "run: ok \(kernel ${release//+/\\+}, $((${#samples[@]} + 1)) modules loaded and unloaded, 0 warnings\)"; }
check "every sample loads, unloads and is quiet" runs
check "a warning fails the run" fails_with "run: failed: [0-9]+ warnings.*" selftests/wrong_warn.ko
check "a module that does not load fails the run" fails_with "run: failed: selftests/wrong_init.ko does not load" \
	selftests/wrong_init.ko
ktap_finished
