#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A driver in a directory of its own, as its author has it: make run and make shell with DRIVER=, as an ordinary user, from
# another directory and with a blank in the name. Nothing is written there, and what cannot be a driver is refused before
# anything is built.
#
# Kernels: stock arm64
# Minutes: 2

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/author.sh"

tmp=$(mktemp -d)
trap 'author_ends "$tmp"' EXIT
cd / || exit
export KERNEL=$name
unset MAKEFLAGS DRIVER
case $arch_firmware in
acpi) device=KALL0002:00 ;;
devicetree) device=kalloc1 ;;
esac

as_author cp -r "$top/template" "$tmp/a blank & more"
mkdir "$tmp/c" "$tmp/rust" "$tmp/broken" "$tmp/empty" "$tmp/unclean"
printf 'obj-m := edu_c.o\nall:\n\tfalse\n' >"$tmp/c/Makefile"
cp "$top/selftests/fixtures/edu_c.c" "$tmp/c/"
echo 'obj-m := rust_minimal.o' >"$tmp/rust/Kbuild"
cp "$KERNELDIR/source/samples/rust/rust_minimal.rs" "$tmp/rust/"
cp "$top"/template/* "$tmp/broken/"
sed -i 's/&task, 64/\&task, "64"/' "$tmp/broken/mydriver.rs"
touch "$tmp/unclean/Makefile" "$tmp/unclean/modules.order"

files() { (cd "$tmp" && find . -mindepth 2 -printf '%p %s %T@\n' | sort); }
files >"$tmp/before"

# of DRIVER TARGET: what make says of it, kept.
of() { as_author make -C "$top" "$2" DRIVER="$1" >"$tmp/said" 2>&1; }
said() { grep -E "$1" "$tmp/said" || { tail -20 "$tmp/said"; return 1; }; }
runs() {
	of "$@" || { tail -20 "$tmp/said"; return 1; }
	said '^run: ok \(kernel .*, 2 modules loaded and unloaded, 0 warnings\)$'
}
# refuses DRIVER SENTENCE: and nothing is built.
refuses() {
	! of "$1" run || return
	said "^kalloc: DRIVER=$1 $2" && ! grep -E 'building|booting' "$tmp/said"
}
# What is typed into the guest, at a terminal without a size, when its shell is there.
types() {
	local line shell
	mkfifo "$tmp/keys"
	printf -v line 'make -C %q KALLOC=%q shell' "$1" "$top"
	as_author timeout 300 script -qec "$line" /dev/null <"$tmp/keys" >"$tmp/said" 2>&1 &
	shell=$!
	exec 3>"$tmp/keys"
	timeout 300 bash -c 'until grep -q root@kalloc "$1"; do sleep 0.5; done' - "$tmp/said" || true
	echo 'insmod kalloc.ko; insmod mydriver.ko; rmmod mydriver; dmesg | grep mydriver; exit' >&3
	wait "$shell" || true
	exec 3>&-
	said "mydriver $device: unbound, with 64 samples" && ! grep stty: "$tmp/said"
}
# As root, in the toolbox that this test runs in.
runs_itself() {
	make -C "$1" KALLOC="$top" run >"$tmp/said" 2>&1
	said "^run: ok"
}
cannot_build() {
	! make -C "$1" KALLOC="$top" >"$tmp/said" 2>&1 &&
		said "^kalloc: Kbuild cannot build in \"$1\", .*: make run DRIVER=\"$1\" in kalloc's checkout\$"
}
names_the_file() {
	! of "$tmp/broken" run && said "^ +--> $tmp/broken/mydriver.rs:[0-9]+:[0-9]+" &&
		said '^kalloc: the driver could not be built for the '$name' kernel; the reason is above'
}

plan 12
check "a copy of the template runs, in a directory with a blank" runs "$tmp/a blank & more" run
check "its device is bound" said "mydriver $device: bound, with room for 64 samples"
check "its own Makefile runs it" runs_itself "$tmp/a blank & more"
check "its own Makefile says that Kbuild cannot build it there" cannot_build "$tmp/a blank & more"
check "make shell has it at hand, and its device" types "$tmp/a blank & more"
check "a module in C, with the device that make run has" runs "$tmp/c" run
check "a Rust module that does not use kalloc" runs "$tmp/rust" run
check "an error names the author's file" names_the_file
check "a directory that is not there is refused" refuses "$tmp/none" "is no directory; "
check "a directory without a Kbuild is refused" refuses "$tmp/empty" "has no Kbuild and no Makefile; "
check "objects beside the sources are refused" refuses "$tmp/unclean" "has objects of a build beside its sources, "
check "nothing was written beside the sources" diff "$tmp/before" <(files)
ktap_finished
