# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# What the scripts and their tests know of the processor. The file has the name that `uname -m` gives the machine.

# The name of its directory in the kernel's source, and there of the image that make builds and QEMU boots.
arch_source=arm64
arch_image=Image
# Debian's name, in which the releases of its kernels end, and the compiler of those kernels.
arch_debian=arm64
arch_cc=aarch64-linux-gnu-$suite_gcc
# What the toolbox needs beside the packages of every processor, and on a machine of another one.
arch_packages=(device-tree-compiler)
arch_cross_packages=("$suite_gcc-aarch64-linux-gnu" libc6-dev-arm64-cross)

arch_qemu=qemu-system-aarch64
arch_qemu_package=qemu-system-arm
arch_console=ttyAMA0
# The newest interrupt controller that there is: version 3 has MSI. QEMU's own kind of pointer authentication is far quicker
# than that of the architecture.
arch_machine="-machine virt,gic-version=max"
arch_emulated_machine="-cpu max,pauth-impdef=on"
arch_emulated_append=
# For counting instructions: with KASLR modules lie anywhere in 2 GiB, and a call takes three instructions more where it is
# far, which is chance.
arch_count_append=nokaslr
# What describes the devices of the machine.
arch_firmware=devicetree
# An IOMMU: the kernel's parameters and QEMU's options. It has the device of kalloc_edu, too: memory begins at 1 GiB, and
# the 28 bits of that device reach it only behind one.
arch_iommu_append=
arch_iommu="-machine iommu=smmuv3"
arch_edu="$arch_iommu -device edu"
# The monitor's command `nmi` injects none.
arch_nmi=
