#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: pressure.sh DIRECTORY	(as root, on a small machine that nobody else needs)
#
# Takes all memory, by the module pressure built in DIRECTORY, and prints its KTAP, what the kernel complained of, and how
# many processes it killed for memory.

set -euo pipefail

modules=$1
killed() { awk '$1 == "oom_kill" { print $2 }' /proc/vmstat; }

before=$(killed)
status=0
insmod "$modules/kalloc.ko"
insmod "$modules/selftests/lib/testlib.ko"
echo "<6>kalloc-log $$: begin pressure" >/dev/kmsg
insmod "$modules/selftests/guest/pressure.ko" || status=$?
# The log is read afterwards: a reader that runs without memory is killed.
. "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../../scripts/guest/log.sh"
log_end || status=1
rmmod pressure testlib kalloc || status=1
echo "# complaints: ${log_kinds:-none}"
echo "# killed: $(($(killed) - before))"
echo "# out of memory: $(dmesg | grep -c 'Out of memory' || true)"
exit "$status"
