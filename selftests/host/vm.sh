#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest's end, whatever it is, reaches the one who started it.
#
# Cells: stock

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

plan 5

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
says "a hang" "the guest did not finish in 8 seconds" vm 8 sleep 100

ktap_finished
