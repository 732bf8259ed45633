#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The metadata tool, linux-librust, on a machine whose kernel and source are stand-ins: what it installs, packs and removes,
# and what a person reads when it cannot. packaging/test-install has the real ones.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

plan 40

program=linux-librust
tool=$tmp/packaging/linux-librust/linux-librust
# A version of this run: the directory of kbuild is in the toolbox, which other runs share.
upstream=9.9.$((1 + RANDOM))
version=$upstream-1~bpo13+1
release=$upstream+deb13-$arch_debian
rt=$upstream+deb13-rt-$arch_debian
headers=/usr/src/linux-headers-$release
metadata=/usr/src/linux-librust-$release
kbuild=/usr/lib/linux-kbuild-$upstream+deb13
# As regular expressions.
is_release=${release//+/\\+} is_rt=${rt//+/\\+} is_kbuild=${kbuild//+/\\+} is_version=${version//+/\\+}

# A machine of our own: /usr/src with what is looked for of rust-src, and the places that the tool writes to.
mkdir temporary
cd / || exit
cp --parents -t "$tmp" "$(realpath "$(rustc --print sysroot)/lib/rustlib/src/rust/library/core/src/lib.rs")"
cd "$tmp" || exit
mount --bind usr/src /usr/src
mkdir -p kbuild/scripts "$kbuild"
mount --bind kbuild "$kbuild"
export TMPDIR=$tmp/temporary

rust_lines() { printf '0x0\t%s\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' "$@"; }

# kernel RELEASE: its headers, as the distribution's package has them.
kernel() {
	local headers=/usr/src/linux-headers-$1
	mkdir -p "$headers/include/generated"
	printf '%s\n' CONFIG_RUST=y "CONFIG_RUSTC_VERSION_TEXT=\"$(rustc --version)\"" >"$headers/.config"
	echo "#define LINUX_PACKAGE_ID \" Debian $version\"" >"$headers/include/generated/package.h"
	echo '--cfg=CONFIG_RUST' >"$headers/include/generated/rustc_cfg"
	rust_lines _RNvCs_6kernel3one rust_helper_two >"$headers/Module.symvers"
	echo "CC = $arch_cc" >"$headers/.kernelvariables"
	ln -sfn "../../lib/${kbuild##*/}/scripts" "$headers/scripts"
}

# source VERSION [RECIPE…]: whose modules_prepare makes what the real one does, and then RECIPE.
source_of() {
	mkdir -p tree/scripts
	touch tree/scripts/{rust_is_available.sh,rust_is_available_bindgen_libclang.h,min-tool-version.sh,cc-version.sh,other.sh}
	cat >tree/Makefile <<-MAKE
		.RECIPEPREFIX = >
		kernelversion:
		> @echo $1
		modules_prepare:
		> mkdir -p \$(O)/rust/helpers \$(O)/scripts \$(O)/include/generated
		> echo meta >\$(O)/rust/libkernel.rmeta
		> echo 'int _RNvCs_6kernel3one;' | \$(CC) -g -x c -c -o \$(O)/rust/kernel.o -
		> echo 'int rust_helper_two;' | \$(CC) -g -x c -c -o \$(O)/rust/helpers/helpers.o -
		> echo 'int macros;' | \$(CC) -g -shared -x c -o \$(O)/rust/libmacros.so -
		> echo '--cfg=CONFIG_RUST' >\$(O)/include/generated/rustc_cfg
		> echo '{ "arch": "stand-in" }' >\$(O)/scripts/target.json
		> ${2:-}
	MAKE
	tar -cJf /usr/src/linux-source-9.9.tar.xz --transform 's|^tree|linux-source-9.9|' tree
}

# unchanged COMMAND…: COMMAND fails and leaves everything as it was.
state() { find /usr/src/ "$kbuild" temporary -path '*/rustc-*' -prune -o -printf '%p %l\n' | sort; }
unchanged() {
	state >before
	! "$@" || return
	state | diff before -
}

# What may be in the way

says "no command" "usage: linux-librust install .*" "$tool"
says "a command that is none" "usage: linux-librust install .*" "$tool" instal
says "no headers" "there are no headers of $is_release in /usr/src; run: apt-get install linux-headers-$is_release" "$tool" install "$release"
kernel "$release"
echo '# CONFIG_RUST is not set' >"$headers/.config"
says "a kernel without Rust" "$is_release was built without CONFIG_RUST and takes no Rust modules\." "$tool" install "$release"
kernel "$release"
says "no source" "the source of $is_release is missing; run: apt-get install linux-source-9\.9=$is_version" "$tool" install "$release"
source_of "$upstream"
says "no compiler" "rustc is missing, and $is_release was built with \"rustc .*\"; run: apt-get install rustc" \
	env PATH="$(hide rustc)" "$tool" install "$release"
sed -i 's/"rustc .*"/"rustc 1.60.0"/' "$headers/.config"
says "another compiler" "$is_release was built with \"rustc 1\.60\.0\" and this machine's rustc is \"rustc .*\", whose crates do not fit; .*" \
	"$tool" install "$release"
kernel "$release"
cp -r "$(hide flex)" without-both
rm without-both/pahole
says "all tools that are missing, at once" "flex pahole is missing; run: apt-get install flex pahole" \
	env PATH="$tmp/without-both" "$tool" install "$release"
mkdir -p doc/linux-source-9.9
echo 'linux (9.9.2-1) unstable; urgency=low' | gzip >doc/linux-source-9.9/changelog.Debian.gz
mkdir -p /usr/share/doc
with_doc() { unshare --mount --propagation unchanged bash -c 'mount --bind doc /usr/share/doc && exec "$@"' - "$@"; }
says "the source of another version" \
	"linux-source-9\.9 is 9\.9\.2-1, and the headers of $is_release are $is_version; run: apt-get install linux-source-9\.9=$is_version" \
	with_doc "$tool" install "$release"
source_of 9.9.2
says "a source that says so itself" "linux-source-9\.9 is Linux 9\.9\.2, and $is_release is $upstream; .*" "$tool" install "$release"
echo nonsense >/usr/src/linux-source-9.9.tar.xz
says "a source that does not unpack" "/usr/src/linux-source-9\.9\.tar\.xz does not unpack\." "$tool" install "$release"
source_of "$upstream"
mkdir small
mount -t tmpfs -o size=100m tmpfs small
says "no space" "$tmp/small has [0-9]+ MB free, and the metadata of $is_release needs 1500 MB there; free some\." \
	env TMPDIR="$tmp/small" "$tool" install "$release"
umount small
chmod 755 "$tmp/packaging" "$tmp/packaging/linux-librust"
says "not root" "install changes /usr/src; run it as root\." \
	setpriv --reuid daemon --regid daemon --clear-groups "$tool" install "$release"

# Nothing half-made

rust_lines _RNvCs_6kernel5other >>"$headers/Module.symvers"
says "symbols that differ" "the prepared tree is not the kernel's: 1 of 3 Rust symbols differ:" "$tool" install "$release"
check "they leave nothing" unchanged "$tool" install "$release"
kernel "$release"
echo '--cfg=CONFIG_OTHER' >>"$headers/include/generated/rustc_cfg"
says "a configuration that changes" "the configuration of $is_release changed in preparing \(1 lines\), .*" "$tool" install "$release"
check "it leaves nothing" unchanged "$tool" install "$release"
kernel "$release"
source_of "$upstream" 'kill -TERM $$PPID; sleep 5'
check "make that is stopped leaves nothing" unchanged "$tool" install "$release"
source_of "$upstream"

# Installed

ready() { diff <("$tool" status) <(printf '%s: ready\n' "$@") && "$tool" check "$1"; }
not_ready() { ! "$tool" check "$1"; }
installs() {
	"$tool" install "$release" || return
	diff - <(cd "$metadata" && find . -type f | sort) <<-FILES || return
		./made-of
		./rust/libkernel.rmeta
		./rust/libmacros.so
		./scripts/cc-version.sh
		./scripts/min-tool-version.sh
		./scripts/rust_is_available.sh
		./scripts/rust_is_available_bindgen_libclang.h
		./scripts/target.json
	FILES
	cmp "$headers/rust/libkernel.rmeta" "$metadata/rust/libkernel.rmeta" && diff -r "$kbuild/scripts" "$metadata/scripts" &&
		! compgen -G '/usr/src/.linux*' && ! compgen -G 'temporary/*'
}
says "no metadata" "$is_release has no Rust metadata; run: linux-librust install $is_release" "$tool" check "$release"
check "installs what a module needs, and nothing else" installs
no_debug() { ! readelf -S "$metadata/rust/libmacros.so" | grep debug; }
check "without debug information" no_debug
check "then it is ready" ready "$release"
says "a compiler that is removed later" "rustc is missing, .*" env PATH="$(hide rustc)" "$tool" check "$release"
again() { mv /usr/src/linux-source-9.9.tar.xz . && "$tool" install "$release" && mv linux-source-9.9.tar.xz /usr/src/; }
check "once is enough, and the source may go" again
rust_lines _RNvCs_6kernel4four >>"$headers/Module.symvers"
check "headers that change make it stale" not_ready "$release"
kernel "$release"

kernel "$rt"
check "a second flavour" "$tool" install "$rt"
check "both are ready" ready "$release" "$rt"
"$tool" remove "$rt" 2>/dev/null
keeps() { "$tool" check "$release" && [[ ! -e /usr/src/linux-headers-$rt/rust ]]; }
check "what they share stays with the first" keeps
echo other >"$kbuild/scripts/target.json"
says "a target.json of something else" "$is_kbuild/scripts/target\.json is there and is not that of $is_rt; .*" "$tool" install "$rt"
# The sentence above is of a run of its own, which may have left something, too.
no_half() { unchanged "$tool" install "$rt" && ! compgen -G '/usr/src/.linux*'; }
check "it leaves no half" no_half
cp "$metadata/scripts/target.json" "$kbuild/scripts/"
mkdir -p "/usr/src/linux-headers-$rt/rust"
touch "/usr/src/linux-headers-$rt/rust/libkernel.rmeta"
left_alone() { "$tool" install "$rt" && "$tool" check "$rt" && [[ ! -e /usr/src/linux-librust-$rt ]]; }
check "metadata that the distribution ships is left alone" left_alone
says "there is no package of it" "the headers of $is_rt have metadata of their own\." "$tool" deb "$rt" .
rm -r "/usr/src/linux-headers-$rt"

# The package

packs() {
	"$tool" deb "$release" . && deb=linux-librust-${release}_${version}_$(dpkg --print-architecture).deb &&
		[[ $(dpkg-deb -f "$deb" Depends) == "linux-headers-$release (= $version)" ]] || return
	diff - <(dpkg-deb --fsys-tarfile "$deb" | tar -t | grep -v '/$' | sort) <<-FILES
		./usr/share/doc/linux-librust-$release/copyright
		./usr/src/linux-headers-$release/rust
		./usr/src/linux-librust-$release/made-of
		./usr/src/linux-librust-$release/rust/libkernel.rmeta
		./usr/src/linux-librust-$release/rust/libmacros.so
		./usr/src/linux-librust-$release/scripts/cc-version.sh
		./usr/src/linux-librust-$release/scripts/min-tool-version.sh
		./usr/src/linux-librust-$release/scripts/rust_is_available.sh
		./usr/src/linux-librust-$release/scripts/rust_is_available_bindgen_libclang.h
		./usr/src/linux-librust-$release/scripts/target.json
	FILES
}
check "makes a package" packs
# Of what is installed, and the same without it.
packs_anew() {
	mv "$headers/rust" away && mkdir other && "$tool" deb "$release" other && mv away "$headers/rust" &&
		diff <(dpkg-deb -c linux-librust-*.deb | awk '{ print $1, $3, $6 }') <(dpkg-deb -c other/*.deb | awk '{ print $1, $3, $6 }') && rm -r other
}
check "also where it is not installed" packs_anew
says "a directory that is none" "$tmp/none is not a directory that can be written\." "$tool" deb "$release" none
shim dpkg-query <<<'[[ $* == "-S /usr/src/linux-librust-"*"/made-of" ]]'
says "what a package owns is the package's" "the metadata of $is_release belongs to a package; run: apt-get remove linux-librust-$is_release" \
	env PATH="$tmp/shim:$PATH" "$tool" remove "$release"
rm shim/dpkg-query

# At a kernel's update

for name in dkms logger; do echo 'echo "$(basename "$0") $*" >>"$TMPDIR/../calls"' | shim "$name"; done
updates() {
	PATH=$tmp/shim:$PATH "$@" 2>&1 </dev/null || { echo "exit status $?"; false; }
}
fails_softly() {
	kernel "$rt"
	mv /usr/src/linux-source-9.9.tar.xz .
	updates "$tool" hook "$rt" | tee said && grep "Rust modules are not built for $rt: the source of $rt is missing" said
}
check "the hook says what is missing, and stops no update" fails_softly
catches_up() {
	mv linux-source-9.9.tar.xz /usr/src/
	updates "$tool" trigger && ready "$release" "$rt" && diff <(echo "dkms autoinstall -k $rt") <(grep '^dkms' calls)
}
check "the trigger makes it when the source comes, and has DKMS build" catches_up
goes() {
	rm -r "$headers/.config" "$headers/include" "$headers/Module.symvers" "$headers/.kernelvariables" "$headers/scripts"
	updates "$tool" trigger && [[ ! -e $metadata && ! -e $headers && -e $kbuild/scripts/target.json ]]
}
check "it removes what belongs to headers that are gone" goes
all_gone() {
	"$tool" remove --all && diff <(echo rust_is_available.sh) <(ls "$kbuild/scripts") && ! ls -d /usr/src/linux-librust-*
}
# The next linux-kbuild may have it.
shim dpkg-query <<<'[[ $* == "-S '"$kbuild"'/scripts/rust_is_available.sh" ]]'
PATH=$tmp/shim:$PATH check "remove --all leaves nothing but what is a package's" all_gone
rm "$kbuild/scripts/rust_is_available.sh"
umount "$kbuild"
rmdir "$kbuild"

ktap_finished
