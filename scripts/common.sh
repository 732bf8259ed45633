# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every script here shares: where the checkout and the cache are, what the processors are, and how to talk.

set -euo pipefail

# shellcheck disable=SC2034
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${KALLOC_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kalloc}
[[ $cache == /* ]] || cache=$PWD/$cache

say() { printf 'kalloc: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

machine=$(uname -m)
[[ -e $top/scripts/arch/$machine.sh ]] ||
	die "this machine is $machine, and the toolbox and its kernels are for $(basename -as .sh "$top"/scripts/arch/*.sh | xargs)."

# use_suite KERNEL: $suite is the release of Debian whose kernel it is, and suite_… what the scripts know of that. Kernel and
# toolbox are of one release, since only the kernel's own compiler builds its modules.
use_suite() {
	suite=trixie
	[[ $1 != unstable ]] || suite=sid
	# shellcheck source=suite/trixie.sh
	. "$top/scripts/suite/$suite.sh"
}
use_suite "${KERNEL:-stock}"

# use_arch KERNEL: $arch is the machine that the kernel is for, as `uname -m` names it there, and arch_… what the scripts know
# of it. Where it is not this machine $foreign says so, and the kernel's modules are cross-built.
use_arch() {
	arch=$machine foreign=
	[[ $1 != arm64* ]] || arch=aarch64
	[[ $arch == "$machine" ]] || foreign=yes
	# shellcheck source=arch/x86_64.sh
	. "$top/scripts/arch/$arch.sh"
}
use_arch "${KERNEL:-stock}"

# flavour_of KERNEL: the distribution's name of the flavour that KERNEL= chooses.
flavour_of() {
	case $1 in
	stock | 7.2 | arm64 | unstable) echo "$arch_debian" ;;
	rt | 7.2-rt | arm64-rt) echo "rt-$arch_debian" ;;
	arm64-16k) echo "$arch_debian-16k" ;;
	cloud | 7.2-cloud) echo "cloud-$arch_debian" ;;
	debug | modversions) echo "$1" ;;	# which are none of the distribution's
	*) die "KERNEL=$1 is unknown; choose one of stock, rt, debug, modversions, cloud, 7.2, 7.2-rt, 7.2-cloud, arm64, arm64-rt, arm64-16k, unstable." ;;
	esac
}

# series_of KERNEL: the series of the kernel that KERNEL= chooses, "or" between those of which it may be. The names of older
# ones begin with theirs.
series_of() {
	case $1 in
	7.2*) echo 7.2 ;;
	unstable) (cd "$top/rust/series" && echo * | sed 's/ / or /g') ;;
	*) echo 7.3 ;;
	esac
}

# The tools that a kernel and its modules are made with, for make.
tools_of() {
	case $1 in
	debug) echo LLVM="-$suite_llvm" ;;
	*) echo CC="$arch_cc" HOSTCC="$suite_gcc" ${foreign:+ARCH="$arch_source" CROSS_COMPILE="${arch_cc%"$suite_gcc"}"} ;;
	esac
}

# driver_output: where the driver that DRIVER= names is built for that kernel.
driver_output() { echo "$cache/driver-${KERNEL:-stock}-$(realpath "$DRIVER" | sha256sum | cut -c1-12)"; }

# driver_modules: what was built there, in the order of its Kbuild.
driver_modules() {
	local out
	out=$(driver_output)
	sed "s|^|$out/|; s|\.o$|.ko|" "$out/modules.order"
}

# documents_of KERNEL [NAME…]: the tests, all or those named, that are for that kernel. A test that is not for all has a
# line "# Kernels: KERNEL…". Those with a line "# Minutes: N" come first, so that no long one runs alone in the end. For
# scripts/mutants a line "# Builds: TARGET…" says that a test needs no more than those modules.
documents_of() {
	local kernel=$1 wanted=" ${*:2} " test name kernels
	for test in "$top"/selftests/host/*.sh; do
		name=$(basename "$test" .sh)
		[[ -x $test && ( $# == 1 || $wanted == *" $name "* ) ]] || continue
		kernels=$(sed -n 's/^# Kernels: //p' "$test")
		[[ " ${kernels:-$kernel} " != *" $kernel "* ]] || echo "$(sed -n 's/^# Minutes: //p' "$test") $name"
	done | sort -nrs -k1,1 | sed 's/.* //'
}
