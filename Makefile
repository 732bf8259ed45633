# SPDX-License-Identifier: GPL-2.0
#
# Entry points for a person. The modules' own rules are in Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
# Not beside the sources, where it would be in the way of the builds for virtual machines.
PLAIN := $(CURDIR)/build/plain
plain = $(MAKE) -C '$(KDIR)' M='$(CURDIR)' MO='$(PLAIN)'
# What a driver elsewhere names as KALLOC.
installed = $(INSTALL_MOD_PATH)/lib/modules/$(or $(KERNELRELEASE),$(shell cat '$(KDIR)/include/config/kernel.release'))/kalloc
# Tests that are not asked for a kernel run on several.
KERNELS := $(filter undefined,$(origin KERNEL))
KERNEL ?= stock

export KERNEL DRIVER

.PHONY: all modules modules_install clean help rust-analyzer toolbox kernel update run test check mutants bench doc shell purge names test-all deb test-install

all: modules

## Plain out-of-tree build, for any kernel tree with Rust (make KDIR=…; W=1 C=1 CLIPPY=1 LLVM=1 KALLOC_TESTS=1):
modules:		## build kalloc.ko and the samples into build/plain (also: all, the default)
	@scripts/check-kdir '$(KDIR)' bindgen
	@mkdir -p '$(PLAIN)'
	$(plain) modules
	@cp '$(KDIR)/include/config/kernel.release' '$(PLAIN)/'

modules_install: modules	## install kalloc.ko, and what drivers are built against
	@# The kernel's own rule installs what modules.order lists; the samples are not for installing.
	cd '$(PLAIN)' && cp modules.order .modules.order.all && grep '/\?kalloc\.o$$' .modules.order.all > modules.order
	$(plain) modules_install; status=$$?; cd '$(PLAIN)' && mv .modules.order.all modules.order; exit $$status
	scripts/install-driver-files '$(PLAIN)' '$(installed)' "$$(cat '$(PLAIN)/kernel.release')"

clean:			## remove what was built
	rm -rf build

## In a virtual machine, with Debian's own kernel (KERNEL=stock, rt, cloud), an older series (7.2), one that notices mistakes (debug), one with versions of symbols (modversions), an arm64 one (arm64) or that of Debian unstable (unstable):
run test check mutants bench doc shell rust-analyzer: names
names:
	@scripts/check-names '$(KERNEL)' $(TESTS)

run:			## build, boot, load every sample, show its drivers at work (or load the driver in DRIVER)
	@scripts/toolbox scripts/run

test:			## run every test (or TESTS="NAME…" of selftests/host/) on stock, rt, debug, 7.2 and arm64, or on KERNEL
	@scripts/toolbox scripts/$(if $(KERNELS),test-kernels,test) $(TESTS)

test-all:		## run also what takes hours: other kernels, packages, mutants (or CELLS="NAME…" of scripts/cells)
	@scripts/test-all $(CELLS)

check:			## try the driver in DRIVER on stock, rt and debug, or on KERNEL: failing allocations, leaks, 50 loads
	@[ -n "$$DRIVER" ] || { echo 'kalloc: make check needs a driver: make check DRIVER=/path' >&2; exit 1; }
	@scripts/toolbox scripts/check $(if $(KERNELS),stock rt debug,$(KERNEL))

mutants:		## break a copy in known ways, and see each break caught
	@scripts/toolbox scripts/mutants

bench:			## count the instructions of C, kernel::alloc and kalloc
	@scripts/toolbox scripts/bench

doc:			## make the documentation, in build/doc
	@scripts/toolbox scripts/doc

shell:			## an interactive guest with the modules at hand (or those of DRIVER)
	@scripts/toolbox scripts/shell

rust-analyzer:		## write rust-project.json for an editor, here or into DRIVER
	@mkdir -p build && scripts/toolbox scripts/rust-analyzer --project >build/rust-project.json
	@mv build/rust-project.json "$${DRIVER:-.}/rust-project.json"

## Packages for Debian 13:
deb:			## make kalloc-dkms, kalloc-dev, kalloc-doc and linux-librust, in build/deb
	@scripts/toolbox packaging/box packaging/deb

test-install: deb	## install them on a Debian 13, boot it, update its kernel, remove them (or STEPS="NAME…")
	@scripts/toolbox packaging/box packaging/test-install $(STEPS)

## What those need, made on first use in KALLOC_CACHE, else ~/.cache/kalloc:
toolbox:		## make the Debian root with the kernel's toolchain
	@scripts/toolbox

kernel: names		## prepare the kernel
	@scripts/toolbox scripts/kernel

update:			## renew the toolbox and look for a newer kernel
	@scripts/toolbox --renew
	@scripts/toolbox scripts/kernel --update

purge:			## delete the cache: toolbox, kernels and all
	@scripts/toolbox --purge

## Variables:
#: KERNEL=stock|rt|cloud|debug   the kernel of run, test, bench, doc and shell; also modversions, 7.2, 7.2-rt, 7.2-cloud, arm64, arm64-rt, arm64-16k, unstable
#: DRIVER=/path                  the directory of a driver, for run, shell, check and rust-analyzer
#: TESTS="NAME…"                 the tests that make test runs
#: CELLS="NAME…"                the cells that make test-all runs
#: STEPS="NAME…"                the steps that make test-install runs
#: KDIR=/path/to/linux           the kernel tree of the plain build; by default the running kernel's
#: KALLOC_TESTS=1                build the test modules, too (plain build, shell)
#: KALLOC_CACHE=/path            where the toolbox and the kernels are; by default ~/.cache/kalloc
#: KALLOC_JOBS=N                 how many jobs and tests at a time; by default one a processor
#: KALLOC_KERNELS="stock rt debug 7.2 arm64" the kernels of make test without KERNEL=
#: KALLOC_KVM=yes|no             whether guests use /dev/kvm; by default it is tried
#: KALLOC_QEMU="…"               more options of QEMU
#: KALLOC_APPEND="…"             more kernel parameters of the guest
#: KALLOC_MEM=1G, KALLOC_CPUS=2  the guest's memory and processors
#: KALLOC_FAILURES=200           how many allocations make check has fail at most
#: KALLOC_TIMEOUT=120            the seconds that make run's guest has
#: KALLOC_NO_INSTALL=1           root installs no package that is missing, and is told its name
#: DEBIAN_MIRROR=URI             where the toolbox comes from; by default this machine's own mirror

help:			## list every target and variable
	@awk '/^## / { print "\n" substr($$0, 4); next } \
		/^#: / { print "  " substr($$0, 4); next } \
		/^[a-z_-]+:.*##/ { split($$0, a, /:[^#]*##/); printf "  make %-17s%s\n", a[1], a[2] }' Makefile
