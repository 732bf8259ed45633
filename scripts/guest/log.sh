# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Follows the kernel's log while a module is loaded: reports between log_begin and log_end belong to the module that is
# named there.

log_dir=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
exec {log_out}>&1
coproc LOG { exec perl "$log_dir/log" $$ "$log_dir/warnings" 3>&1 >&"$log_out"; }

# log_begin MODULE: its KTAP is printed from now on.
log_begin() { echo "<6>kalloc-log $$: begin $1" >/dev/kmsg; }

# log_end: sets log_kinds to the names of the reports since then, and fails if there are any.
log_end() {
	echo "<6>kalloc-log $$: end" >/dev/kmsg
	read -rt 60 log_kinds <&"${LOG[0]}" || { echo "Bail out! The kernel's log is not followed."; exit 1; }
	[[ -z $log_kinds ]]
}

# log_leaks: sets log_leaked to the unreferenced memory that kmemleak reports, and fails if there is any.
log_leaks() {
	local kmemleak=/sys/kernel/debug/kmemleak
	# kmemleak reports no object younger than five seconds, and one scan may miss a pointer that is being moved.
	sleep 6
	log_leaked="kmemleak does not scan"
	echo scan >$kmemleak || return
	sleep "${log_leaks_apart:-0}"
	echo scan >$kmemleak || return
	log_leaked=$(cat $kmemleak)
	[[ -z $log_leaked ]]
}
