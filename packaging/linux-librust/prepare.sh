# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Makes the Rust metadata of a distribution's kernel once more, and proves that it is the same: from the kernel's own
# source, configuration and compiler. The script that includes this has say() and die().

# rustc_of CONFIG: the version of the compiler that built the kernel. Only that very compiler reads the kernel's crates.
rustc_of() { sed -n 's/^CONFIG_RUSTC_VERSION_TEXT="\(.*\)"$/\1/p' "$1"; }

# rust_symbols SYMVERS: those that the kernel exports.
rust_symbols() { awk '$2 ~ /^(_R|rust_helper_)/ && $3 == "vmlinux" { print $2 }' "$1" | LC_ALL=C sort -u; }

# same_symbols SYMVERS BUILD: every Rust symbol that the distribution exports is in the prepared tree.
same_symbols() {
	local want missing
	want=$(rust_symbols "$1")
	[[ -n $want ]] || die "$1 exports no Rust symbol, so the match cannot be proved."
	missing=$(LC_ALL=C comm -23 <(echo "$want") \
		<(nm --defined-only -f just-symbols "$2"/rust/*.o "$2"/rust/helpers/*.o 2>/dev/null | LC_ALL=C sort -u))
	[[ -z $missing ]] ||
		die "the prepared tree is not the kernel's: $(wc -l <<<"$missing") of $(wc -l <<<"$want") Rust symbols differ:"$'\n'"$missing"
	say "$(wc -l <<<"$want") of $(wc -l <<<"$want") Rust symbols match"
}

# prepare_tree RELEASE SOURCE HEADERS BUILD LOG [ARGUMENT…]: into BUILD; ARGUMENTs are make's. HEADERS is the tree of the
# distribution's package, with .config and Module.symvers.
prepare_tree() {
	local release=$1 source=$2 headers=$3 build=$4 log=$5
	shift 5
	cp "$headers/.config" "$build/"
	make -C "$source" O="$build" "$@" KERNELRELEASE="$release" -j"$(nproc)" -s modules_prepare >"$log" 2>&1 ||
		{ tail -30 "$log" >&2; die "the kernel's tree could not be prepared; the reason is above."; }
	same_symbols "$headers/Module.symvers" "$build"
}
