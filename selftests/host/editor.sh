#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make rust-analyzer: an editor finds in a driver elsewhere what kalloc, the kernel crate and bindgen define, and reports what is
# wrong; of what is right it says nothing that it does not say of the kernel's own sample.
#
# Kernels: stock
# Minutes: 3

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

tmp=$(mktemp -d)
trap 'rm -rf --one-file-system "$tmp"' EXIT
export KERNEL=$name
unset MAKEFLAGS DRIVER

driver="$tmp/a blank"
mkdir "$driver"
printf 'obj-m += %s\n' mydriver.o rust_minimal.o broken.o >"$driver/Kbuild"
cp "$KERNELDIR/source/samples/rust/rust_minimal.rs" "$driver/"
# With a binding of C's.
sed 's/^        let samples/        let _shift = kernel::bindings::PAGE_SHIFT;\n&/' template/mydriver.rs >"$driver/mydriver.rs"
sed 's/^use kalloc.*/&\nuse kalloc::nothing_of_this_name;/; s/samples\.len()/samples.no_such_method()/' template/mydriver.rs \
	>"$driver/broken.rs"

server=(env DRIVER="$driver" "$top/scripts/rust-analyzer")
members() { python3 -c 'import json, sys; print(*sorted(c["display_name"] for c in json.load(open(sys.argv[1]))["crates"] if c["is_workspace_member"]))' "$1"; }
writes() {
	make -C "$top" -s rust-analyzer DRIVER="$driver" || return
	diff <(echo broken mydriver rust_minimal) <(members "$driver/rust-project.json")
}
# The project of the checkout, in a copy of what the target touches.
writes_ours() {
	scripts/rust-analyzer --project 2>/dev/null >"$tmp/rust-project.json" || return
	members "$tmp/rust-project.json" | tr ' ' '\n' >"$tmp/members"
	for member in kalloc kalloc_bindings kalloc_first mydriver test_slab; do
		grep -x "$member" "$tmp/members" || return
	done
	! grep -x kernel "$tmp/members"
}
# of CRATE: what it said of it. kinds CRATE: of what kinds that is.
of() { sed "1,/^processing crate: $1,/d; /^processing crate:/,\$d" "$tmp/said"; }
said() { of broken | grep -E "$1"; }
kinds() { of "$1" | grep -oE '^(Error|Warning|WeakWarning) [^ ]+' | sort -u; }
reads() {
	(cd "$driver" && "${server[@]}" diagnostics "$driver") >"$tmp/said" 2>&1 || true
	grep "diagnostic scan complete" "$tmp/said"
}
nothing_else() { diff /dev/null <(comm -13 <(kinds rust_minimal) <(kinds mydriver)); }
defines() { grep -E "^$1 file://.*/$2 [0-9]+$" "$tmp/found"; }
asks() {
	selftests/host/lib/definition.py "$driver/mydriver.rs" KBox 'device::{Bound' PAGE_SHIFT -- "${server[@]}" >"$tmp/found" 2>"$tmp/log" ||
		{ cat "$tmp/found" "$tmp/log"; return 1; }
}

plan 11
check "a project of a driver, in a directory with a blank" writes
check "the project of the checkout" writes_ours
check "rust-analyzer reads the driver" reads
check "of a driver that is right it says what it says of the kernel's, at most" nothing_else
check "the kinds of a driver that is wrong are others" eval '! diff <(kinds mydriver) <(kinds broken)'
check "an unresolved import is reported" said 'E0432'
check "a method that is not there is reported" said 'E0599'
check "it answers as a language server" asks
check "KBox is kalloc's" defines KBox 'rust/kalloc/.*\.rs'
check "an item of the kernel crate" defines 'device::\{Bound' 'rust/kernel/device\.rs'
check "a binding of C" defines PAGE_SHIFT 'rust/bindings/bindings_generated\.rs|.*/bindings.*\.rs'
[[ $KTAP_CNT_FAIL == 0 ]] || sed 's/^/# /' "$tmp/said" "$tmp/found"
ktap_finished
