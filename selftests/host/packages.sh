#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The parts of the packages that need no package manager: which kernels the dkms.conf files skip, what is kept for drivers,
# and what a person reads.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

plan 15

release=9.9.1+deb13-$arch_debian

# excludes CONF: what BUILD_EXCLUSIVE_KERNEL is for that kernel, as DKMS reads it, where linux-librust is a stand-in.
excludes() {
	env PATH="$tmp/shim:$PATH" bash -c 'kernelver=$1 arch=x86_64 kernel_source_dir=$3/headers dkms_tree=/var/lib/dkms source_tree=$3
		. "$2" || exit; echo "$BUILD_EXCLUSIVE_KERNEL"' - "$release" "$1" "$tmp"
}
# The headers, the source that DKMS has, and what kalloc left for drivers.
mkdir -p headers/rust modules
touch headers/Makefile headers/rust/libkernel.rmeta
printf '%s\n' CONFIG_RUST=y "CONFIG_RUSTC_VERSION_TEXT=\"$(rustc --version)\"" >headers/.config
ln -s "$top" 'kalloc-#MODULE_VERSION#'
mount --bind modules /lib/modules
install -D -t "/lib/modules/$release/kalloc/scripts" "$top/scripts/check-kdir"
for conf in packaging/dkms template; do
	takes() { diff <(echo) <(excludes "$top/$conf/dkms.conf"); }
	skips() { mv headers/rust away && [[ ! $release =~ $(excludes "$top/$conf/dkms.conf") ]] && mv away headers/rust; }
	no_directory() { ! grep -v '^#' "$top/$conf/dkms.conf" | grep 'PWD'; }
	check "$conf: a kernel with metadata is taken" takes
	check "$conf: one without is skipped" skips
	check "$conf: the directory that DKMS runs in has no part in it" no_directory
done
rm -r "/lib/modules/$release"
skips() { [[ ! $release =~ $(excludes "$top/template/dkms.conf") ]]; }
check "a driver is skipped where kalloc was" skips
shim linux-librust <<<'[[ $* == "check '"$release"'" ]] && echo "linux-librust: the metadata is stale" >&2; exit 1'
program=linux-librust
says "where linux-librust is, its sentence comes first" "the metadata is stale" \
	env PATH="$tmp/shim:$PATH" "$top/packaging/dkms/can-build" "$release" headers
program=kalloc
rm shim/linux-librust

# What drivers are built against

mkdir -p build/rust/{bindings,kalloc} lib dkms
touch build/Module.symvers build/rust/bindings/libkalloc_bindings.rmeta build/rust/kalloc/{libkalloc.rmeta,kalloc.o}
cp -r packaging scripts build/
mkdir "/lib/modules/$release"
link=/lib/modules/$release/kalloc
driver_files() { (cd build && packaging/dkms/driver-files "$1" "$tmp/dkms" "$release"); }
keeps() {
	driver_files build && diff - <(cd dkms/kalloc && find . -type f | sort) <<-FILES
		./Module.symvers
		./kernel.release
		./rust/bindings/libkalloc_bindings.rmeta
		./rust/kalloc/libkalloc.rmeta
		./scripts/Makefile.kalloc
		./scripts/check-driver
		./scripts/check-kdir
	FILES
}
check "a build's metadata is kept" keeps
leads() { driver_files install && cmp "$link/kernel.release" <(echo "$release"); }
check "drivers find it by the kernel's name" leads
goes() { driver_files remove && [[ ! -e $link && ! -L $link ]]; }
check "it goes with the module" goes
mkdir "$link"
left_alone() { driver_files install 2>&1 | grep "^kalloc: $link was not installed by DKMS" && [[ ! -L $link ]] && driver_files remove && [[ -d $link ]]; }
check "what make modules_install installed is left alone" left_alone

# Once

versions() { [[ $(sed -n 's/^MODULE_VERSION("\([0-9.]*\)");/\1/p' "$top/version.c" | wc -l) == 1 ]]; }
check "there is one version" versions
says "kalloc-dkms without a command" "usage: kalloc-dkms status" \
	bash -c '"$1" 2>&1 | sed "s/^/kalloc: /"; exit "${PIPESTATUS[0]}"' - packaging/dkms/kalloc-dkms
there() {
	local file
	grep -ohE '(packaging|scripts|samples)/[a-z./-]+' "$top/packaging/debian/rules" "$top"/packaging/debian/*.{manpages,examples} | while read -r file; do
		compgen -G "$top/${file%/}*" >/dev/null || { echo "$file is not there"; exit 1; }
	done
}
check "what the packages take is there" there

ktap_finished
