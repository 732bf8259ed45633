#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a person reads when a kernel tree cannot take Rust modules, by the plain path: make KDIR=….
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

plan 20

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
# Trees laid out as those distributions have them, and the release that the tree is of.
# laid_out RELEASE HEADERS [RUST]: the packages of headers and, elsewhere, of the metadata.
laid_out() {
	rm -rf system
	mkdir -p "system/$2/include/config" "system/usr/lib/modules/$1" "system/${3:-$2/rust}"
	ln -s usr/lib system/lib
	touch "system/$2/Makefile"
	printf '%s\n' CONFIG_RUST=y "CONFIG_RUSTC_VERSION_TEXT=\"$rustc\"" >"system/$2/.config"
	echo "$1" >"system/$2/include/config/kernel.release"
	[[ -z ${3:-} ]] || ln -s "../../../$3" "system/$2/rust"
	touch "system/${3:-$2/rust}/libkernel.rmeta"
	[[ -e system/lib/modules/$1/build ]] || ln -s "../../../../$2" "system/lib/modules/$1/build"
}
takes() { laid_out "$@" && scripts/check-kdir "$tmp/system/lib/modules/$1/build" bindgen; }
check "Ubuntu: headers and linux-lib-rust" takes 7.3.0-9-generic usr/src/linux-headers-7.3.0-9-generic usr/src/linux-lib-rust-7.3.0-9-generic/rust
rm -r system/usr/src/linux-lib-rust-*
echo ID=ubuntu >os-release
says "Ubuntu: headers alone" ".* \(rust/libkernel\.rmeta\); install the package linux-lib-rust-7\.3\.0-9-generic, $help" \
	unshare --mount --propagation unchanged bash -c 'mount --bind os-release /etc/os-release && exec "$@"' - \
	scripts/check-kdir "$tmp/system/lib/modules/7.3.0-9-generic/build"
check "Arch: linux-headers" takes 7.3.1-arch1-1 usr/lib/modules/7.3.1-arch1-1/build
check "Fedora: kernel-devel" takes 7.3.1-200.fc44.x86_64 usr/src/kernels/7.3.1-200.fc44.x86_64
check "Debian: headers and linux-librust" takes 7.3.1+deb13-amd64 usr/src/linux-headers-7.3.1+deb13-amd64 usr/src/linux-librust-7.3.1+deb13-amd64/rust
mkdir -p tree/include/config
echo 7.1.12+deb13-amd64 >tree/include/config/kernel.release
says "an older kernel" "the kernel of $tmp/tree is Linux 7\.1\.12\+deb13-amd64, and kalloc is for Linux 7\.2 and 7\.3; .*, $help" "${plain[@]}"
echo 7.20.0 >tree/include/config/kernel.release
says "a newer kernel" "the kernel of $tmp/tree is Linux 7\.20\.0, and kalloc is for Linux 7\.2 and 7\.3; .*, $help" "${plain[@]}"
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
