#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The plain out-of-tree build, as in the README, in a copy of the checkout: make KDIR=… and its variants.
#
# Kernels: stock
# Minutes: 2

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"
. "$(dirname "${BASH_SOURCE[0]}")/lib/author.sh"

unset C CLIPPY KDIR LLVM V W
tmp=$(mktemp -d)
trap 'author_ends "$tmp"' EXIT
copy_checkout "$tmp/copy"
cd "$tmp/copy" || exit

files() { find . -type f | sort; }
files >"$tmp/before"

# build ARGUMENT…: the output is kept, and shown when make fails.
build() {
	make KDIR="$KERNELDIR/build" CC="$arch_cc" -j"${KALLOC_JOBS:-$(nproc)}" "$@" >"$tmp/log" 2>&1 ||
		{ cat "$tmp/log"; return 1; }
}

# quietly ARGUMENT…: builds without a warning.
quietly() { build "$@" && no_warning "$tmp/log"; }

# Debian 13's sparse lacks a keyword that 7.3's headers use; the kernel would then go on without sparse.
checked() { quietly W=1 C=1 CF=-D__typeof_unqual__=__typeof__ CLIPPY=1 KALLOC_TESTS=1; }
ran() { grep "^  $1 .*rust/" "$tmp/log"; }

# What a sample inlines it does not depend on, and one may inline all that it uses.
depends() {
	local sample has wants failed=0 some=
	awk '$3 == "kalloc" { print $2 }' build/plain/Module.symvers >"$tmp/exports"
	for sample in build/plain/samples/*.ko; do
		has=$(modinfo -F depends "$sample") || return
		wants=$(nm --undefined-only --format=just-symbols "$sample" | grep -qxFf "$tmp/exports" && echo kalloc) || true
		echo "$sample depends on: ${has:-nothing}"
		[[ $has == "$wants" ]] || { echo "but it should on: ${wants:-nothing}"; failed=1; }
		some+=$has
	done
	[[ -n $some ]] && return "$failed"
}

no_tests() { ! find build/plain/selftests -name '*.o' | grep .; }

loads() {
	scripts/vm "$KERNELDIR" 120 bash -ec \
		'insmod build/plain/kalloc.ko; insmod build/plain/samples/kalloc_first.ko; dmesg | grep kalloc_first:; rmmod kalloc_first kalloc'
}

installs() {
	build INSTALL_MOD_PATH="$tmp/root" DEPMOD=true modules_install || return
	diff <(echo kalloc) <(find "$tmp/root" -type f -name '*.ko*' -printf '%f\n' | sed 's/\.ko.*//')
}

# A driver elsewhere, built by an ordinary user who sees no checkout.
cp -r "$top/template" "$tmp/driver"
chmod 755 "$tmp"
# A cache in root's own directory is no other's to read, but for the author who has it for their own.
as=(setpriv --reuid daemon --regid daemon --clear-groups)
if "${as[@]}" test -r "$KERNELDIR/build/.config"; then chown -R daemon "$tmp/driver"; else as=(as_author); fi
release=$(cat "$KERNELDIR/build/include/config/kernel.release")
installed=$tmp/root/lib/modules/$release/kalloc
# drives ARGUMENT…: make in the driver's directory says what is kept.
drives() {
	"${as[@]}" make -C "$tmp/driver" KDIR="$KERNELDIR/build" CC="$arch_cc" "$@" >"$tmp/log" 2>&1
}
compiled() { grep -E '^  (RUSTC|CC) .*mydriver' "$tmp/log"; }
# elsewhere KALLOC: there it builds, with its symbols, and with nothing that is not there.
elsewhere() {
	{ drives KALLOC="$1" && compiled; } || { cat "$tmp/log"; return 1; }
	! grep -i warning "$tmp/log" && [[ $(modinfo -F depends "$tmp/driver/build/mydriver.ko") == kalloc ]]
}
again() {
	drives KALLOC="$installed" && ! compiled || return
	touch "$installed/rust/kalloc/libkalloc.rmeta"
	drives KALLOC="$installed" && compiled
}
# refuses SENTENCE ARGUMENT…
refuses() { ! drives "${@:2}" && { grep -F "kalloc: $1" "$tmp/log" || { cat "$tmp/log"; false; }; }; }
without_kalloc() { ! drives KALLOC=/none && grep 'kalloc is not in /none; run "make modules_install" in its checkout' "$tmp/log"; }
for_another() {
	echo 6.1.0 >"$installed/kernel.release"
	refuses "kalloc in $installed was built for Linux 6.1.0, and $KERNELDIR/build is " KALLOC="$installed"
}

cleans() {
	build "$@" clean || return
	diff "$tmp/before" <(files)
}

plan 18
check "the default build has no warning" quietly
check "without KALLOC_TESTS no test is built" no_tests
check "a sample depends on kalloc, where it calls it" depends
check "what is built loads" loads
check "modules_install installs kalloc.ko alone" installs
check "a driver elsewhere is built against what is installed" elsewhere "$installed"
check "it is built again with a changed kalloc, and only then" again
check "a driver elsewhere is built against the checkout" elsewhere "$PWD"
check "a driver says that kalloc is not there" without_kalloc
check "a driver says that kalloc is another kernel's" for_another
check "clean leaves nothing" cleans
check "a driver says that kalloc is not built" refuses "kalloc is not built in $PWD/build/plain; " KALLOC="$PWD"
check "W=1 C=1 CLIPPY=1 has no warning, tests included" checked
check "sparse looked at it" ran CHECK
check "clippy looked at it" ran CLIPPY
check "clean leaves nothing of the tests" cleans KALLOC_TESTS=1
# A tree that is only prepared has no list of symbols.
llvm=(KDIR="$("$top/selftests/codegen/config-tree" tiny-llvm)" LLVM="-$suite_llvm" CC="clang-$suite_llvm" KBUILD_MODPOST_WARN=1)
check "LLVM=1 builds against a kernel built with clang" build "${llvm[@]}"
check "LLVM=1: a sample depends on kalloc, where it calls it" depends
ktap_finished
