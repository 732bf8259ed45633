#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Which kernel is chosen, what a person reads when it is not the one that Debian built, and that the one
# at hand is.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

plan 18

real=$KERNELDIR/build

says "an unknown KERNEL" "KERNEL=debug2 is unknown; choose one of stock, rt, debug, modversions, cloud, 7\.2, 7\.2-rt, 7\.2-cloud, arm64, arm64-rt, arm64-16k, unstable\." \
	env -u KALLOC_BUILT KERNEL=debug2 scripts/run
mkdir -p selftests/host
says "documentation of an older series" "the documentation is made for Linux [0-9.]+, not for KERNEL=7\.2; .*" \
	env KERNEL=7.2 scripts/doc
says "an unknown test" "TESTS=nonsense is unknown; choose of: .*\." make TESTS=nonsense test

# The match

check "the compiler is the kernel's" scripts/kernel same_compiler "$real/.config"
sed 's/^CONFIG_RUSTC_VERSION_TEXT=.*/CONFIG_RUSTC_VERSION_TEXT="rustc 1.97.0"/' "$real/.config" >config
says "the compiler is not the kernel's" \
	'the kernel was built with "rustc 1\.97\.0" and the toolbox has "rustc .*"; run: make update' \
	scripts/kernel same_compiler config

all_match() {
	scripts/kernel same_symbols "$real/Module.symvers" "$real" |& tee match
	[[ $(cat match) =~ ^kalloc:\ ([0-9]+)\ of\ ([0-9]+)\ Rust\ symbols\ match$ && ${BASH_REMATCH[1]} -gt 2000 ]]
}
check "every Rust symbol matches" all_match

{
	cat "$real/Module.symvers"
	printf '0x0\t%s\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' _RNvCs_6kernel5other rust_helper_other
} >symvers
says "symbols that differ" "the prepared tree is not the kernel's: 2 of [0-9]+ Rust symbols differ:" \
	scripts/kernel same_symbols symvers "$real"
names_them() {
	{ scripts/kernel same_symbols symvers "$real" 2>&1 || true; } | tail -2 | diff - <(printf '%s\n' _RNvCs_6kernel5other rust_helper_other)
}
check "symbols that differ are named" names_them
grep -v -e '	_R' -e 'rust_helper_' "$real/Module.symvers" >none
says "a kernel that exports no Rust symbol" "none exports no Rust symbol, .*" scripts/kernel same_symbols none "$real"

# A small kernel has each line of its configuration.

printf '%s\n' "# a comment" CONFIG_ONE=y "# CONFIG_TWO is not set" CONFIG_THREE=3 >fragment
printf '%s\n' CONFIG_ONE=y CONFIG_THREE=3 CONFIG_FOUR=y >config
check "a configuration that has all" scripts/small-kernel has_all fragment config
printf '%s\n' "# CONFIG_ONE is not set" CONFIG_TWO=y CONFIG_THREE=30 >config
says "a configuration that has not" \
	"the kernel is not to be had with CONFIG_ONE=y CONFIG_TWO unset CONFIG_THREE=3; mend fragment\." \
	scripts/small-kernel has_all fragment config

# The choice, from an archive of our own

package() { printf 'Package: %s\nVersion: %s\n\n' "$1" "$2"; }
set_of() {
	local version=$1 release=${1%%-*}+deb13-$arch_debian missing=${2:-none} name
	for name in "linux-source-$(cut -d. -f1,2 <<<"$version")" "linux-"{headers,binary,modules}"-$release"; do
		[[ $name == linux-$missing* ]] || package "$name" "$version"
	done
}
shim apt-get <<'SHIM'
case $1 in
indextargets) echo "$PWD/packages" ;;
download) echo "$@" >>"$KALLOC_CACHE/downloads"; cp "$OLDPWD"/*.deb . ;;
esac
SHIM
# A headers package whose kernel has no CONFIG_RUST.
for release in 7.3.9 7.3.10; do
	mkdir -p deb/DEBIAN "deb/usr/src/linux-headers-$release+deb13-$arch_debian"
	echo '# CONFIG_RUST is not set' >"deb/usr/src/linux-headers-$release+deb13-$arch_debian/.config"
	printf 'Package: linux-headers-%s\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n' \
		"$release+deb13-$arch_debian" >deb/DEBIAN/control
	dpkg-deb -b deb . >/dev/null
	rm -r deb
done
{
	set_of 7.3.9-1
	set_of 7.3.10-1
	set_of 7.3.11-1 modules
	set_of 7.3.12-1 source
	set_of 7.3.13-1 headers
	set_of 7.4.1-1
	package "linux-headers-7.3.14+deb13-rt-$arch_debian" 7.3.14-1
} >packages
choose() { env PATH="$tmp/shim:$PATH" KALLOC_CACHE="$tmp/cache" scripts/kernel --update "${1:-stock}"; }
mkdir cache
says "no kernel with CONFIG_RUST" \
	"no $arch_debian kernel 7\.3 in Debian's backports has its source, headers, image and modules in one version with CONFIG_RUST=y\." choose
newest_first() {
	diff cache/downloads - <<-DOWNLOADS
		download -q linux-headers-7.3.10+deb13-$arch_debian=7.3.10-1
		download -q linux-headers-7.3.9+deb13-$arch_debian=7.3.9-1
	DOWNLOADS
}
check "the newest whole set first, then the one before" newest_first
says "no kernel of the flavour at all" "no cloud-$arch_debian kernel 7\.3 in Debian's backports has its .*" choose cloud
says "no kernel of the series" "no $arch_debian kernel 7\.2 in Debian's backports has its .*" choose 7.2
rm cache/downloads
says "no kernel of unstable's" "no $arch_debian kernel 7\.2 or 7\.3 in Debian unstable has its .*" choose unstable
check "unstable's newest of the series that kalloc knows" newest_first

shim apt-get <<<'exit 100'
says "no network" "the Debian mirror cannot be reached\." choose

ktap_finished
