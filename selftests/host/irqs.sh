#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Interrupt handlers, with interrupts of a device and NMIs of the machine: on the kernel as it is, and with its handlers
# forced into threads, as PREEMPT_RT always has them. On arm64 no machine injects NMIs.
#
# Minutes: 1
# Kernels: stock rt debug arm64

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

tmp=$(mktemp -d)
touch "$tmp/said"
injector=
trap '[[ -z $injector ]] || kill "$injector" 2>/dev/null; rm -rf "$tmp"' EXIT

# Has QEMU's monitor inject NMIs while the test that wants one runs. One that comes while the kernel boots would end it.
inject() {
	exec python3 - "$tmp" <<'END'
import socket, sys, time
said = lambda what: what in open(sys.argv[1] + "/said").read()
while not said(" nmi_handlers_have_their_own_data\n"):
    time.sleep(0.1)
monitor = socket.socket(socket.AF_UNIX)
monitor.connect(sys.argv[1] + "/monitor")
while not said("nmi_of_the_machine"):
    monitor.sendall(b"nmi\n")
    time.sleep(0.2)
END
}

# guest TEST…: runs the test modules and then the sample, and keeps what they print.
guest() {
	# shellcheck disable=SC2016
	output=$(scripts/vm "$KERNELDIR" 600 bash -c 'cd "$2"
		"$1/selftests/guest/kalloc.sh" . "${@:3}"
		"$1/scripts/guest/run" kalloc.ko samples/kalloc_irq.ko' - "$top" "$top/build/$name" "$@" | tee "$tmp/said") || true
	# shellcheck disable=SC2001
	sed 's/^/# /' <<<"$output"
}
says() { grep -qE "$1" <<<"$output"; }
sample() {
	check "the sample hands over from its interrupt to a work item$1" says "kalloc_irq: in a work item: \\[.*\\]"
	check "and the kernel does not complain$1" says "^run: ok"
}

plan 10
export KALLOC_QEMU=$arch_edu
if [[ -n $arch_nmi ]]; then
	KALLOC_QEMU+=" -chardev socket,id=nmi,path=$tmp/monitor,server=on,wait=off -mon chardev=nmi,mode=readline"
	inject &
	injector=$!
fi
guest test_irq_work
if [[ -n $arch_nmi ]]; then
	check "an NMI that the machine injects" says "^ *ok [0-9]+ nmi_of_the_machine\$"	# and not skipped
else
	ktap_test_skip "an NMI that the machine injects"
fi
check "no test fails or warns meanwhile" says "^ok 1 test_irq_work\$"
sample ""

KALLOC_QEMU=$arch_edu KALLOC_APPEND="${KALLOC_APPEND:-} threadirqs"
export KALLOC_APPEND
guest test_irq test_timer
check "handlers are forced into threads" says "# handlers are threads: true"
check "no handler is left in the interrupt" eval '! says "# handlers are threads: false"'
check "no test of handlers fails, warns or is skipped" eval 'says "^ok 1 test_irq\$" && ! says "# SKIP"'
check "nor one of timers" says "^ok 2 test_timer\$"
sample ", with threads"
ktap_finished
