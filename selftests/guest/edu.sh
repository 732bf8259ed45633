#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: edu.sh DIRECTORY PROGRAM	(as root, on a machine with QEMU's edu device)
#
# Loads the driver of QEMU's edu device, samples/kalloc_edu.ko built in DIRECTORY, lets PROGRAM (edu.c) drive the device,
# and takes the device away while it does; then the same with the driver in C, edu_c.ko. Prints KTAP: that of PROGRAM, and
# what became of it and of the kernel.

set -euo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/check.sh"
. "$here/../../scripts/guest/log.sh"
modules=$1 program=$2

program() { "$program" "/dev/$name" | sed 's/^/    /'; }
# Again and again, for as long as there is a device.
busy() {
	pids=()
	for _ in 1 2 3; do
		while "$program" "/dev/$name"; do :; done >/dev/null 2>&1 &
		pids+=($!)
	done
	sleep "$1"
}
stopped() { wait "${pids[@]}" || true; }
unbind() { echo "$device" >"$driver/unbind"; }
gone() { [[ ! -e /dev/$name && ! -e $driver/$device ]]; }
bind() { echo "$device" >"$driver/bind" && [[ -e /dev/$name ]]; }
in_turn() {
	for _ in {1..20}; do
		busy 0.2
		unbind && gone || return
		stopped
		bind || return
	done
	program >/dev/null
}
quiet() { log_end || { echo "# the kernel complained: $log_kinds"; false; }; }

# drive DRIVER MODULE.KO…
drive() {
	local module
	name=$1 driver=/sys/bus/pci/drivers/$1
	log_begin "$name"
	for module in "${@:2}"; do insmod "$modules/$module"; done
	device=$(cd "$driver" && echo 0000:*)
	check "$name: a program drives the device" program
	# An open file outlives the device, and says so.
	exec 8<>"/dev/$name"
	busy 1
	check "$name: the device is taken away while DMA and interrupts come" unbind
	check "$name: it is gone" gone
	stopped
	check "$name: a file that is still open gives ENODEV" bash -c 'dd bs=10 count=1 <&8 2>&1 | grep -q "No such device"'
	exec 8<&-
	check "$name: it comes back" bind
	check "$name: and goes and comes, 20 times, and works" in_turn
	basename -as .ko "${@:2}" | tac | xargs rmmod
	check "$name: the kernel does not complain" quiet
}

echo "KTAP version 1"
echo "1..14"
drive kalloc_edu kalloc.ko samples/kalloc_edu.ko
drive edu_c selftests/fixtures/edu_c.ko
exit "$status"
