# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The kernel's log, followed while a module is there: what the kernel complains of belongs to the module that is named
# between log_begin and log_end.

log_dir=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
exec {log_out}>&1
coproc LOG { exec perl "$log_dir/log" $$ "$log_dir/warnings" 3>&1 >&"$log_out"; }

# log_begin MODULE: its KTAP is printed from now on.
log_begin() { echo "<6>kalloc-log $$: begin $1" >/dev/kmsg; }

# log_end: sets log_kinds to the names of what the kernel complained of since, and fails where there is something.
log_end() {
	echo "<6>kalloc-log $$: end" >/dev/kmsg
	read -rt 60 log_kinds <&"${LOG[0]}" || { echo "Bail out! The kernel's log is not followed."; exit 1; }
	[[ -z $log_kinds ]]
}

# log_leaks: sets log_leaked to what kmemleak reports of memory that nothing leads to, and fails where there is any.
log_leaks() {
	local kmemleak=/sys/kernel/debug/kmemleak
	# What is younger than five seconds is not reported, and one scan may meet a pointer on its way.
	sleep 6
	log_leaked="kmemleak does not scan"
	echo scan >$kmemleak || return
	echo scan >$kmemleak || return
	log_leaked=$(cat $kmemleak)
	[[ -z $log_leaked ]]
}
