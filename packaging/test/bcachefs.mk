# SPDX-License-Identifier: GPL-2.0
#
# A Kbuild that asks what bcachefs's asks before it builds its Rust part: the kernel's own script, the configuration as rustc
# is given it, and a libcore.rmeta whose first bytes name this compiler.

compiler := $(shell $(RUSTC) --version | cut -d' ' -f1,2)
available := $(shell RUSTC='$(RUSTC)' BINDGEN='$(BINDGEN)' CC='$(CC)' '$(srctree)/scripts/rust_is_available.sh' >&2 && \
	test -r '$(objtree)/include/generated/rustc_cfg' && head -c 4096 '$(objtree)/rust/libcore.rmeta' | grep -aqF '$(compiler)' && echo yes)
$(if $(available),,$(error bcachefs would be built without Rust))
