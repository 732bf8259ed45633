#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The documentation is made without a warning, gfp.rst says of each flag what selftests/guest/test_gfp.rs compares with
# C, drop.rst has the table of selftests/guest/test_drop.rs, and the tests that pages name are there, as are the
# programs. The plots are of the table in bench.rst. names.rst has names that are there. c.rst agrees with the aliases
# of the crate. Each attempt to break it is written up. README leads to every page. The steps of driver.rst compile. No
# link is dead, and literals are links. The patches of upstream.rst apply to the kernel.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/ktap.sh"

# The rows of the list tables, first and last column: C's expression, a tab, kalloc's.
rows() {
	sed -nE 's/^   \* - ``(.*)``$/c \1/p; s/^     - ``(.*)``$/k \1/p; s/^     -.*/k/p' Documentation/gfp.rst |
		awk '/^c/ { c = substr($0, 3); n = 0 } /^k/ && c && ++n == 2 { print c "\t" substr($0, 3); c = "" }'
}

# Whether the test compares $2 with $1. Line breaks within a row do not count.
tested=$(tr -d ' \n' <selftests/guest/test_gfp.rs)
compared() { [[ $tested == *"(c\"${1// /}\",bits(${2// /})"* ]]; }

# The drop table, words alone.
drops() { awk '/^ *type:? +.?task/ { on = 1 } on && /^(}|$)/ { exit } on && !/^=/ { gsub(/[^a-z_ ]/, ""); $1 = $1; print }' "$1"; }
same_drops() {
	[[ $(drops Documentation/drop.rst | wc -w) -gt 100 ]] &&
		diff <(drops Documentation/drop.rst) <(drops selftests/guest/test_drop.rs)
}

# Tests that pages name and that are not there: "test_x: name", "compile_fail: x/name", and the names that follow it.
missing() {
	cat Documentation/*.rst | tr -s '\n ' ' ' |
		grep -oE '``test_[a-z_]+: [a-z0-9_]+``((,| and) ``[a-z0-9_]+``)*' | sed -E 's/ and//g; s/[`:,]//g' |
		while read -r module tests; do
			for test in $tests; do
				grep -qE "fn $test\(|^    $test,\$" "selftests/guest/$module.rs" || echo "$module has no $test"
			done
		done
	cat Documentation/*.rst | tr -s '\n ' ' ' | grep -oE '``compile_fail: [a-z0-9_/]+``(,? (and )?``[a-z0-9_/]+``)*' |
		grep -oE '[a-z0-9_]+/[a-z0-9_]+' |
		while read -r program; do
			[[ -e selftests/compile_fail/$program.stderr ]] || echo "there is no $program in compile_fail"
		done
}

# Compile-fail programs that pages name and that are not there: "group/name".
missing_programs() {
	grep -ohE '``[a-z_]+/[a-z0-9_]+``' Documentation/*.rst | tr -d '`' | sort -u | while read -r program; do
		[[ -e selftests/compile_fail/$program.rs ]] || echo "there is no program $program"
	done
}

# names COLUMN: the names of a column of names.rst but those under review, without their generics and signs.
names() {
	sed -nE 's/^   [^|:]+ \| /| /p' Documentation/names.rst | cut -d'|' -f"$1" | sed 's/under [rd].*//' |
		grep -oE '``[A-Za-z_]+(::[a-z_A-Z]+)*' | sed 's/`//g; s/::/\n/g' | sort -u
}

# undefined COLUMN DIRECTORY: the names that nothing there defines, as an item or in a row of a macro.
undefined() {
	local name items='(struct|enum|trait|type|fn|const|mod|macro_rules!)'
	for name in $(names "$1"); do
		grep -rqE "$items $name\>|^    ([A-Za-z_]+: )?${name}[,:] [^/].*[;\"=[]|^    $name (as|of) " "$2" || echo "$name"
	done
}

# The token and default flags of each row of the context table: in contexts.rst, and in the crate's documentation, where
# a row may have several tokens.
page_defaults() { awk -F'  +' '/^``[A-Za-z]+Cx[<`]/ { print $1, $3 }' Documentation/contexts.rst | tr -cd 'A-Za-z_ \n'; }
crate_defaults() {
	awk -F' [|] ' '/^ *\/\/! [|] \[`[A-Za-z]+Cx`\]/ { n = split($2, token, ", "); split($4, flags, ", ")
		for (i = 1; i <= n; i++) print token[i], i in flags ? flags[i] : $4 }' rust/kalloc/facade.rs | tr -cd 'A-Za-z_ \n'
}
same_defaults() {
	[[ $(page_defaults | wc -l) -gt 7 ]] &&
		diff <(page_defaults | sed 's/Cx_/Cx/; s/on RT none/none on RT/') <(crate_defaults)
}

# Programs of the group `escapes` that no table of attempts.rst has.
unnamed() {
	for program in selftests/compile_fail/escapes/*.rs; do
		program=escapes/$(basename "$program" .rs)
		[[ $program == escapes/ok ]] || grep -qF "\`\`$program\`\`" Documentation/attempts.rst || echo "$program"
	done
}

# Pages and samples to which README does not lead.
not_in_readme() {
	for file in Documentation/*.rst samples/*.rs; do
		[[ $file == */index.rst ]] || grep -qF "($file)" README.md || echo "$file"
	done
}

# One literal of each kind that leads nowhere: PAGE, the literal, and a part of its address.
not_linked() {
	while read -r page literal address; do
		tr '\n' ' ' <"build/doc/html/$page.html" |
			grep -qF "$address\"><code class=\"docutils literal notranslate\"><span class=\"pre\">$literal" ||
			echo "$page: $literal does not lead to $address"
	done <<-LITERALS
		contexts TaskCx crate/kalloc/context/struct.TaskCx.html
		c KBox::zeroed(&amp;task) crate/kalloc/boxed/struct.Box.html#method.zeroed
		c SlabBox::zeroed(&amp;task, crate/kalloc/slab/type.SlabBox.html#method.zeroed
		c .nowarn() crate/kalloc/gfp/trait.Modify.html#method.nowarn
		contexts section! crate/kalloc/macro.section.html
		platform samples/kalloc_platform.rs source/samples/kalloc_platform.rs.html
		drop test_drop source/selftests/guest/test_drop.rs.html
		build rust/kalloc/arch/x86/irqflags.rs crate/src/kalloc/arch/x86/irqflags.rs.html
		driver docs source/selftests/host/docs.sh.html
		build scripts/check-kdir source/scripts/check-kdir.html
		contexts SpinLock kernel/sync/lock/spinlock/type.SpinLock.html
		c try_new crate/kalloc/mempool/type.MempoolBox.html#method.try_new
		dma block.free(&amp;mut crate/kalloc/dma/struct.DmaBlock.html#method.free
		interrupts hrtimer.cancel(&amp;task) crate/kalloc/hrtimer/struct.HrTimer.html#method.cancel
	LITERALS
	grep -qE 'include/linux/slab.h[^"]*#n[0-9]+"><code class="docutils literal notranslate"><span class="pre">kmalloc\(\)' \
		build/doc/html/c.html || echo "c: kmalloc() does not lead to slab.h"
	grep -qE 'test_context.rs.html#L-[0-9]+"><code[^>]*><span class="pre">test_context:' build/doc/html/attempts.html ||
		echo "attempts: no test is a link"
}

# One after another. The ceiling: a repository around the kernel's source would be taken for the place of the patches.
patches_apply() {
	local source
	source=$(realpath "$KERNELDIR/source")
	cat Documentation/upstream/*.patch | (cd "$source" && GIT_CEILING_DIRECTORIES=$(dirname "$source") git apply --check)
}
patches_of_page() { sed -nE 's/^   ``([0-9]{4}-[^`]*\.patch)`` \|.*/\1/p' Documentation/upstream.rst; }

compiles() { selftests/compile_fail/rustc -Amissing_docs --emit=metadata --out-dir "$tmp" "$top/$1"; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
steps=(Documentation/driver/*.rs)
mapfile -t all < <(rows)
plan $((${#all[@]} + ${#steps[@]} + 18))
check "the documentation is made without a warning" scripts/doc
check "no link is dead" selftests/host/lib/links.py "$KERNELDIR/source"
check "literals are links" diff /dev/null <(not_linked)
check "every test that is named is there" diff /dev/null <(missing)
check "every program that is named is there" diff /dev/null <(missing_programs)
check "kalloc has the names that names.rst says" diff /dev/null <(undefined 2 rust/kalloc)
check "the kernel crate has the names that names.rst says" diff /dev/null <(undefined 3 "$KERNELDIR/source/rust/kernel")
check "c.rst has each alias, and each alias its row" selftests/host/lib/c_names.py "$KERNELDIR/source"
check "names.rst has names" [ "$(names 2 | wc -l)" -gt 80 ]
check "tables that are made from sources are as these" scripts/doc-tables
check "the plots are of the table in bench.rst" scripts/bench-table --check
check "the context table is the one of the crate" same_defaults
check "every program of escapes is an attempt" diff /dev/null <(unnamed)
check "README leads to every page and sample" diff /dev/null <(not_in_readme)
check "patches for the kernel apply to it" patches_apply
check "upstream.rst has each patch" diff <(patches_of_page) <(cd Documentation/upstream && printf '%s\n' *.patch)
check "the drop table is the one of the test" same_drops
check "the table has every row of the test" [ "${#all[@]}" = "$(grep -c 'c"_*GFP' selftests/guest/test_gfp.rs)" ]
for step in "${steps[@]}"; do
	check "$(basename "$step" .rs) of driver.rst compiles" compiles "$step"
done
for row in "${all[@]}"; do
	check "${row/$'\t'/ is }" compared "${row%$'\t'*}" "${row#*$'\t'}"
done
ktap_finished
