#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Formatting, licences, shell syntax, headers of tests, and what no run on x86 can show. That each unsafe block of rust/ says why it is sound is clippy's to check (its lint
# undocumented_unsafe_blocks, which the kernel turns on): see CLIPPY=1 in plain.sh.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

# tracked [PATTERN…]: the files of the checkout, without those that are deleted in it.
tracked() { git -c safe.directory='*' ls-files -- "$@" | while read -r file; do [[ ! -f $file ]] || echo "$file"; done; }

# none COMMAND…: COMMAND, a search, finds nothing.
none() {
	local status=0
	"$@" || status=$?
	[[ $status == 1 ]]
}

mapfile -t all < <(tracked)
[[ ${#all[@]} -gt 0 ]] || die "this is not a git checkout, so its files are not known"
mapfile -t rust < <(tracked '*.rs')
mapfile -t scripts < <(grep -lE '^#!/bin/(ba)?sh|^# shellcheck shell=' "${all[@]}")

formatted() {
	# Programs that do not compile are laid out for their error messages, and modules are files of their own.
	printf '%s\n' "${rust[@]}" | grep -v compile_fail/ |
		xargs rustfmt --check --edition 2021 --config-path "$KERNELDIR/source/.rustfmt.toml" --config skip_children=true --color never
}

licensed() {
	local file failed=0
	for file in "${all[@]}"; do
		case $file in
		COPYING | *.stderr | *.patch | *.lock | scripts/guest/warnings) continue ;;	# no place for it
		esac
		head -3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' || { echo "$file has no SPDX line"; failed=1; }
	done
	return "$failed"
}

clean_scripts() {
	if command -v shellcheck >/dev/null; then shellcheck -x "${scripts[@]}"; else printf '%s\n' "${scripts[@]}" | xargs -n1 bash -n; fi
}

# undefined_in_make: variables that the Makefile uses and nothing sets; the command line sets the others.
undefined_in_make() {
	env -u KERNEL make --warn-undefined-variables -n run test check mutants bench doc shell rust-analyzer toolbox kernel update \
		TESTS= CELLS= DRIVER=/driver 2>&1 >/dev/null | grep 'undefined variable'
}

# A line of another form, or with another kernel, would be taken for a comment.
known_heads() {
	! grep -nE '^# [A-Z][a-z]+: [a-z0-9 ]+$' selftests/host/*.sh |
		grep -vE ':# (Kernels:( (stock|rt|debug|modversions|arm64|unstable))+|Minutes: [0-9]+)$'
}

# objpool_pop() of Linux 7.3 loads the count of a ring without acquire semantics: Documentation/objpool.rst.
ordered_pops() {
	none grep -rnE '\bobjpool_pop\([a-z]' rust/helpers && grep -q 'smp_load_acquire(&slot->last)' rust/helpers/objpool.c
}

plan 10
check "rustfmt, with the kernel's settings" formatted
check "no unsafe in a sample" none grep -nw unsafe samples/*.rs Documentation/driver/*.rs
check "no prototype by hand: bindgen makes them all" none grep -rnE 'extern +"C" *\{' rust --include='*.rs'
check "every file has its licence" licensed
check "an object of a ring is read with acquire semantics" ordered_pops
check "the heads of tests name kernels and minutes" known_heads
check "scripts: shellcheck, or their syntax where there is none" clean_scripts
check "no path of one machine" none grep -nIE '(^|[^[:alnum:]_}])/(home|root|work|Users)/[[:alnum:].]' "${all[@]}"
mapfile -t ours < <(printf '%s\n' "${all[@]}" | grep -v '\.lock$')	# Cargo's own names for what it locks
check "no host of a package registry" none \
	grep -nIE '(deb|archive|security|ports|snapshot)\.(debian|ubuntu)\.(org|com)|crates\.io|pypi\.org|proxy\.golang' "${ours[@]}"
check "the Makefile uses no variable that nothing sets" none undefined_in_make
ktap_finished
