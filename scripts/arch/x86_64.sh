# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034,SC2154
#
# What the scripts and their tests know of the processor. The file has the name that `uname -m` gives the machine.

# The name of its directory in the kernel's source, and there of the image that make builds and QEMU boots.
arch_source=x86
arch_image=bzImage
# Debian's name, in which the releases of its kernels end, and the compiler of those kernels.
arch_debian=amd64
arch_cc=x86_64-linux-gnu-$suite_gcc
# What the toolbox needs beside the packages of every processor, and on a machine of another one.
arch_packages=()
arch_cross_packages=()

arch_qemu=qemu-system-x86_64
arch_qemu_package=qemu-system-x86
arch_console=ttyS0
arch_machine=
arch_emulated_machine=
# On a busy machine no tick of the emulated timer may come while the kernel tests it, which it takes for a broken one.
arch_emulated_append=no_timer_check
# For counting instructions: that the kernel trusts the time stamp counter.
arch_count_append="clocksource=tsc tsc=reliable"
# What describes the devices of the machine.
arch_firmware=acpi
# An IOMMU: the kernel's parameters and QEMU's options.
arch_iommu_append="intel_iommu=on intremap=off no_timer_check"
arch_iommu="-device intel-iommu"
# The device of kalloc_edu.
arch_edu="-device edu"
# The monitor's command `nmi` injects one.
arch_nmi=yes
