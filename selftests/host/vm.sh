#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# scripts/vm returns the exit status of the guest's script, and says how else the guest ended.
#
# Kernels: stock

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

plan 8

vm() { scripts/vm "$KERNELDIR" "$@"; }

says "not a kernel directory" "$tmp has no kernel image .*" scripts/vm "$tmp" 5 true
passes_arguments() {
	KALLOC_APPEND="one=1 two" vm 120 bash -c 'echo "$@"; grep -o "one=1 two" /proc/cmdline' - "a b" '$c' >output &&
		diff output - <<-END
			a b \$c
			one=1 two
		END
}
check "arguments, output and success" passes_arguments
status_7() { vm 120 bash -c 'exit 7' 2>output; [[ $? == 7 ]] && grep -qx "kalloc: the guest's script exited with 7" output; }
check "a script that fails, and its status" status_7
says "a panic" "the guest died, .*" vm 120 bash -c 'echo c >/proc/sysrq-trigger'
# From the keyboard of a terminal, when the guest is up.
ctrl_c() {
	local terminal tries=0
	mkfifo keys
	# With job control, without which what runs in the background ignores the signal.
	set -m
	script -qec "scripts/vm '$KERNELDIR' 100 sh -c 'echo it is up; sleep 100'" /dev/null <keys >output &
	terminal=$!
	set +m
	exec 3>keys
	until grep -q 'it is up' output; do [[ $((tries += 1)) -lt 300 ]] && sleep 0.2 || return; done
	printf '\003' >&3
	# It has no time to end the guest by its own limit.
	timeout 5 tail --pid="$terminal" -f /dev/null || return
	exec 3>&-
	cat output
	grep -q '^.*kalloc: interrupted' output && ! grep -q '^console:' output
}
check "Ctrl-C ends it at once, and says so" ctrl_c
# -S: QEMU does not start the processors.
never_boots() {
	local status=0
	KALLOC_QEMU=-S KALLOC_PATIENCE=2 vm 100 true 2>output || status=$?
	cat output
	[[ $status == 124 && $(grep -c 'did not reach its init in 2 seconds, boot [123] of 3' output) == 3 ]]
}
check "a guest that does not reach its init is booted three times" never_boots
# QEMU does not start.
never_starts() {
	local status=0
	KALLOC_QEMU="-device no-such-device" vm 100 true 2>output || status=$?
	cat output
	[[ $status == 255 && $(grep -c 'the guest ended before its init, boot [123] of 3' output) == 3 ]] &&
		grep -q "console: .*no-such-device" output
}
check "a guest that dies before its init is booted three times, and QEMU's words are shown" never_starts
says "a hang" "the guest did not finish in 8 seconds" vm 8 sleep 100

ktap_finished
