#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a person reads when a kernel tree cannot take Rust modules, by the plain path: make KDIR=….
#
# Kernels: stock

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

plan 14

help="or use the kernel that this project prepares: make run"
rustc=$(rustc --version)

# tree CONFIG-LINE…: a kernel tree that is complete but for its configuration.
tree() {
	mkdir -p tree/rust
	touch tree/Makefile tree/rust/libkernel.rmeta
	printf '%s\n' "$@" >tree/.config
}
plain=(make KDIR="$tmp/tree")

says "no tree" "there is no kernel tree at $tmp/tree; .* KDIR=…, $help" "${plain[@]}"
mkdir tree
says "not a kernel tree" "$tmp/tree is not a configured kernel tree .*; .* KDIR=…, $help" "${plain[@]}"
tree "# CONFIG_RUST is not set"
says "a kernel without CONFIG_RUST" \
	"the kernel of $tmp/tree was built without CONFIG_RUST and takes no Rust modules; .*, $help" "${plain[@]}"
tree "CONFIG_RUSTC_VERSION=108501"
says "a kernel that does not know CONFIG_RUST" "the kernel of $tmp/tree was built without CONFIG_RUST .*" "${plain[@]}"
tree CONFIG_RUST=y "CONFIG_RUSTC_VERSION_TEXT=\"$rustc\""
rm tree/rust/libkernel.rmeta
says "a tree without Rust metadata" \
	"the kernel of $tmp/tree has CONFIG_RUST, but the tree lacks its Rust metadata \(rust/libkernel\.rmeta\); .*, $help" \
	"${plain[@]}"
# on ID PACKAGE: what is said on that distribution.
on() {
	echo "ID=$1" >os-release
	says "a tree without Rust metadata, on $1" ".* \(rust/libkernel\.rmeta\); $2, $help" unshare --mount --propagation unchanged \
		bash -c 'mount --bind os-release /etc/os-release && exec "$@"' - "${plain[@]}"
}
on ubuntu "install the package linux-lib-rust-.*"
on fedora "install the package kernel-devel-.*"
on arch "install the package linux-headers"
on debian "Debian has no package of it, so make it with .*/linux-librust install"
mkdir -p tree/include/config
echo 7.2.12+deb13-amd64 >tree/include/config/kernel.release
says "an older kernel" "the kernel of $tmp/tree is Linux 7\.2\.12\+deb13-amd64, and kalloc needs 7\.3 or newer; .*, $help" "${plain[@]}"
rm -r tree/include
tree CONFIG_RUST=y 'CONFIG_RUSTC_VERSION_TEXT="rustc 1.60.0 (old)"'
says "another compiler" \
	"the kernel of $tmp/tree was built with \"rustc 1\.60\.0 \(old\)\" and rustc is \"rustc .*\", .* RUSTC=…, $help" \
	"${plain[@]}"
tree CONFIG_RUST=y "CONFIG_RUSTC_VERSION_TEXT=\"$rustc\""
says "no rustc" "rustc is missing; install the compiler that built the kernel, rustc .*, $help" \
	env PATH="$(hide rustc)" "${plain[@]}"
says "no bindgen" "bindgen is missing; install it .*, $help" env PATH="$(hide bindgen)" "${plain[@]}"
check "a tree that has it all" scripts/check-kdir "$(realpath "$KERNELDIR/build")" bindgen

ktap_finished
