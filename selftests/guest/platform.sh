#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: platform.sh DIRECTORY DEVICE ACPI|OF	(as root, in a guest with the device of scripts/devices)
#
# The sample driver kalloc_platform with two devices, one that ACPI or the device tree describes, DEVICE, and one of the
# driver's name: bound and unbound in every way, and each time nothing is left of what it allocated. And, where the kernel's
# device tree can change, with one of that.

set -uo pipefail

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
. "$here/check.sh"
. "$here/../../scripts/guest/log.sh"
modules=$1

driver=/sys/bus/platform/drivers/kalloc_platform
described=$2 by=$3
named=kalloc_platform
tree=kalloc
tracing=/sys/kernel/tracing

load() { insmod "$modules/samples/kalloc_platform.ko" "$@"; }
state() { cat "/sys/kernel/debug/kalloc_platform-$1/state"; }
bound() { [[ -e $driver/$1 && -d /sys/kernel/debug/kalloc_platform-$1 ]]; }
unbound() { [[ ! -e $driver/$1 && ! -e /sys/kernel/debug/kalloc_platform-$1 ]]; }
there() { [[ -e /sys/bus/platform/devices/$1 ]]; }
# Writes as `echo WORD >FILE` does, without a message of the shell.
put() { echo "$1" 2>/dev/null >"$2"; } 2>/dev/null

# What the devices got, by the kernel's own trace of devres: as much is added as is released or removed.
trace_begin() {
	echo >"$tracing/trace"
	echo 1 >"$tracing/events/dev/devres_log/enable"
}
trace_end() {
	echo 0 >"$tracing/events/dev/devres_log/enable"
	added=$(grep -cE "devres_log: ($described|$named|$tree) ADD " "$tracing/trace")
	gone=$(grep -cE "devres_log: ($described|$named|$tree) (REL|REM) " "$tracing/trace")
	[[ $added == "$gone" ]] || echo "# $added were added and $gone released or removed"
	[[ $added == "$gone" && $added -ge $1 ]]
}
# eventually COMMAND…: within 10 seconds, what work items do.
eventually() {
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}
caches() { find /sys/kernel/slab -name 'kalloc_platform-*' | wc -l; }
no_caches() { [[ $(caches) == 0 ]]; }

not() { ! "$@"; }

echo "KTAP version 1"
log_begin kalloc_platform
insmod "$modules/kalloc.ko"
check "the device of $by is there, without a driver" there "$described"
trace_begin
load
check "the device of $by is bound" bound "$described"
check "its state is in debugfs" grep -q "\"$by\".*16, ring: [1-9]" <(state "$described")
insmod "$modules/selftests/fixtures/platform_device.ko"
check "the device of the driver's name is bound" bound "$named"
check "its state is in debugfs too" grep -q '"its name".*16, ring: [1-9]' <(state "$named")
user_reads() { setpriv --reuid=65534 --clear-groups cat "/sys/kernel/debug/kalloc_platform-$described/state" 2>/dev/null; }
check "only root reads it" not user_reads
check "each has a slab cache" [ "$(caches)" = 2 ]

put "$described" "$driver/unbind"
check "unbind in sysfs unbinds" unbound "$described"
check "and only that device" bound "$named"
check "it cannot be unbound twice" not put "$described" "$driver/unbind"
put "$described" "$driver/bind"
check "bind in sysfs binds it again" bound "$described"
check "it cannot be bound twice" not put "$described" "$driver/bind"
check "another device cannot be bound" not put serial8250 "$driver/bind"

rmmod platform_device
check "a device may go while it is bound" not there "$named"
check "and leaves no directory" unbound "$named"
rmmod kalloc_platform
check "the driver may go while it is bound" unbound "$described"
check "the device stays" there "$described"
check "as much was released as was added" trace_end 12
check "no slab cache stays" eventually no_caches

# A hundred times, with as much as it takes.
load slots=1024
insmod "$modules/selftests/fixtures/platform_device.ko"
cycles() {
	local i
	for ((i = 0; i < $1; i++)); do
		put "$named" "$driver/unbind" && unbound "$named" && put "$named" "$driver/bind" && bound "$named" || return
	done
}
free() { sleep 1; echo 3 >/proc/sys/vm/drop_caches; sleep 1; awk '/^MemFree/ { print $2 }' /proc/meminfo; }
cycles 10
put "$named" "$driver/unbind"
before=$(free)
trace_begin
put "$named" "$driver/bind"
check "100 times unbound and bound" cycles 100
put "$named" "$driver/unbind"
check "as much was released as was added" trace_end 400
after=$(free)
echo "# free memory: $before kB before, $after kB after"
# What a binding takes is some 40 kB. KASAN keeps back what is freed, and kmemleak, which is there where that is, knows more.
memory_is_back() {
	if [[ ! -e /sys/kernel/debug/kmemleak ]]; then
		[ $((before - after)) -lt 2000 ]
	elif ! log_leaks; then
		sed 's/^/# /' <<<"$log_leaked"
		return 1
	fi
}
check "memory is back" memory_is_back
rmmod kalloc_platform
check "no slab cache stays" eventually no_caches

# Probe fails.
trace_begin
load slots=0
check "a probe that fails binds nothing" eval 'unbound "$described" && unbound "$named"'
check "and says why" grep -q "kalloc_platform $named: slots=0 is not between 1 and 1024" <(dmesg)
rmmod kalloc_platform
load slots=2000000000
check "nor does one with too much" unbound "$named"
rmmod kalloc_platform
check "what was allocated before is released" trace_end 0

# The first device is deferred, and tried again when the second one is bound.
trace_begin
load defer=1
check "a device whose probe was deferred is bound when the other is" eventually bound "$described"
check "as is the other" bound "$named"
rmmod kalloc_platform
load defer=2
check "both are deferred" eval 'unbound "$described" && unbound "$named"'
check "the kernel knows them as deferred" [ "$(grep -c "$described\|$named" /sys/kernel/debug/devices_deferred)" = 2 ]
rmmod platform_device
insmod "$modules/selftests/fixtures/platform_device.ko"
check "a new device is bound, and with it the deferred one" eval 'eventually bound "$named" && eventually bound "$described"'
rmmod kalloc_platform platform_device
check "as much was released as was added" trace_end 12
check "no slab cache stays" eventually no_caches

if [[ -e $modules/selftests/fixtures/platform_of.ko ]]; then
	trace_begin
	load
	insmod "$modules/selftests/fixtures/platform_of.ko"
	check "the device tree's device is bound" bound "$tree"
	check "its state says OF" grep -q '"OF".*16' <(state "$tree")
	put "$tree" "$driver/unbind"
	check "unbind in sysfs unbinds" unbound "$tree"
	put "$tree" "$driver/bind"
	check "bind in sysfs binds it again" bound "$tree"
	rmmod platform_of
	check "a node that is taken out takes the device along" not there "$tree"
	check "which leaves no directory" unbound "$tree"
	rmmod kalloc_platform
	check "as much was released as was added" trace_end 12
	check "no slab cache stays" eventually no_caches
fi

rmmod kalloc
log=yes
log_end || { log=no; echo "# the kernel complained: $log_kinds"; }
check "the kernel does not complain" [ $log = yes ]
echo "1..$number"
exit "$status"
