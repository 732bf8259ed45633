#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The exported macros of the crate have no privilege over the driver's own code but unsafe: macros.py has the rules that
# keep a driver's tokens from it.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

check_macros() { find rust/kalloc rust/series -name '*.rs' -print0 | sort -z | xargs -0 selftests/host/lib/macros.py; }

plan 1
check "no token of a driver reaches an unsafe of a macro" check_macros
ktap_finished
