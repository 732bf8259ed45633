#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What safe code can reach of the crate although no page shows it is in the list lib/hidden, each with the reason why
# that is fine: hidden functions, tokens that a drop makes, and traits that the orphan rule might open.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

list=selftests/host/lib/hidden
check_hidden() { find rust/kalloc rust/series -name '*.rs' -print0 | sort -z | xargs -0 selftests/host/lib/hidden.py $list; }
reasons() { ! grep -vE '^#' $list | grep -vE '^[^|]+ \| .+'; }

plan 2
check "what is hidden and safe is in the list" check_hidden
check "each has a reason" reasons
ktap_finished
