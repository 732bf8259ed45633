# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
#
# What the scripts know of the release of Debian that a kernel and its toolbox are of. The file has the name of the release.

suite_name="Debian unstable"
# The archive that has the kernels, and how a sentence names it.
suite_kernels=sid
suite_kernels_name="Debian unstable"
# The compilers: the kernels' own, and the version of clang for those that are built here.
suite_gcc=gcc-16
suite_llvm=21
