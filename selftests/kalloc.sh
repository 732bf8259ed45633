#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: kalloc.sh [DIRECTORY [TEST…]]	(as root, on the kernel that the modules are built for)
#
# Loads kalloc.ko and the test modules built in DIRECTORY, by default the checkout, and prints their KTAP as one
# document. A warning in the kernel's log while a module is there fails its test.

set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
modules=${1:-$here/..}
shift || true
tests=("$@")
if [[ ${#tests[@]} == 0 ]]; then
	for module in "$modules"/selftests/test_*.ko; do tests+=("$(basename "$module" .ko)"); done
fi

# The kernel's messages from line $1 on, without their time stamps.
log_from() { dmesg | tail -n "+$1" | sed 's/^\[[^]]*\] //'; }

# test MODULE NUMBER: loads it, prints its KTAP and its result.
test_module() {
	local start loaded=yes ok=ok bad
	start=$(($(dmesg | wc -l) + 1))
	insmod "$modules/selftests/$1.ko" || loaded=no
	[[ $loaded == no ]] || rmmod "$1" || ok="not ok"
	log_from "$start" | sed -n "s/^$1: /    /p"
	[[ $loaded == yes ]] || ok="not ok"
	bad=$(log_from "$start" | grep -Ff "$here/../scripts/guest/warnings" || true)
	if [[ $bad ]]; then
		log_from "$start" | sed 's/^/# log: /'
		ok="not ok"
	fi
	echo "$ok $2 $1"
	[[ $ok == ok ]]
}

insmod "$modules/kalloc.ko"
insmod "$modules/selftests/testlib.ko"
echo "KTAP version 1"
echo "1..${#tests[@]}"
status=0
for i in "${!tests[@]}"; do
	test_module "${tests[i]}" "$((i + 1))" || status=1
done
rmmod testlib kalloc
exit "$status"
