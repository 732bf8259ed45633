#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest's end, whatever it is, reaches the one who started it.

. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

plan 9

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
says "a script that fails" "the guest's script exited with 7" vm 120 bash -c 'exit 7'
status_7() { vm 120 bash -c 'exit 7'; [[ $? == 7 ]]; }
check "its status" status_7
says "a panic" "the guest died, .*" vm 120 bash -c 'echo c >/proc/sysrq-trigger'
says "a hang" "the guest did not finish in 8 seconds" vm 8 sleep 100

# The loader of samples, with an insmod that does what the test asks.
cat >insmod.sh <<'END'
#!/bin/bash
mkdir /run/bin
cat >/run/bin/insmod <<'SHIM'
#!/bin/bash
case $1 in
bad.ko) exit 1 ;;
*) echo "<4>${1%.ko}: hello" >/dev/kmsg ;;
esac
SHIM
ln -s /usr/bin/true /run/bin/rmmod
chmod +x /run/bin/insmod
PATH=/run/bin:$PATH scripts/guest/run "$@"
END
chmod +x insmod.sh
touch kalloc.ko one.ko bad.ko WARNING.ko
last_line() {
	local line=$1
	shift
	vm 120 ./insmod.sh "$@" >output 2>/dev/null
	local status=$?
	cat output
	[[ $(tail -1 output) =~ ^run:\ $line$ ]] && case $line in ok*) [[ $status == 0 ]] ;; *) [[ $status != 0 ]] ;; esac
}
check "modules that load" last_line 'ok \(kernel .*, 2 modules loaded and unloaded, 0 warnings\)' kalloc.ko one.ko
check "a module that does not load" last_line 'failed: bad.ko does not load' kalloc.ko bad.ko
check "a warning in the kernel's log" last_line "failed: 1 warnings in the kernel's log" kalloc.ko WARNING.ko

ktap_finished
