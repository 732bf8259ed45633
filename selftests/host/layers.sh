#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The crate's folders are floors in the order of dependence: no import goes up, and none in a circle.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

plan 1
check "imports go down" selftests/host/lib/layers.py rust/kalloc
ktap_finished
