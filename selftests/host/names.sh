#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A public type or trait is called as one of the kernel crate only where it replaces that: lib/names says which, and why.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

list=selftests/host/lib/names

# defined DIRECTORY: the public types and traits that are defined there, but for those that no driver can name.
defined() {
	grep -rhoE '^\s*pub (unsafe )?(struct|enum|union|trait|type) \w+' "$1" | awk '{ print $NF }' |
		grep -vxE 'Sealed|Token|Data' | sort -u
}
same_names() {
	diff <(grep -v '^#' $list | sed 's/ |.*//' | sort) <(comm -12 <(defined rust/kalloc) <(defined "$KERNELDIR/source/rust/kernel"))
}
reasons() { ! grep -v '^#' $list | grep -vE '^\w+ \| .+'; }

plan 2
check "the names of the kernel crate that kalloc has are in the list" same_names
check "each has a reason" reasons
ktap_finished
