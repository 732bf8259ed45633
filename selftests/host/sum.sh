#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The sum of the tests counts what it should, and a document that is not whole is a failure.
#
# Kernels: stock
# Builds: kalloc.ko samples/kalloc_first.ko

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

plan 15

# sums NAME STATUS SUM: the document on standard input has that sum, and ends the run with that status
sums() {
	local status=0
	cat >document.ktap
	scripts/ktap-sum "$KERNELDIR/source" document.ktap >output 2>errors || status=$?
	if [[ $status == "$2" && $(tail -1 output) == "$3" ]] &&
		[[ $(grep -c '^failed: document' output) -ge $status ]]; then
		ktap_test_pass "$1"
	else
		echo "# exit status $status, \"$(cat output)\""
		ktap_test_fail "$1"
	fi
}

sums "a whole document" 0 "1 passed, 0 failed, 1 skipped" <<'END'
KTAP version 1
1..2
ok 1 a
ok 2 b # SKIP no
END
sums "a failure" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
1..2
ok 1 a
not ok 2 b
END
sums "a nested failure" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
1..1
  KTAP version 1
  1..2
  ok 1 x
  not ok 2 y
not ok 1 b
END
sums "a document that breaks off" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
1..2
ok 1 a
END
sums "no plan" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
ok 1 a
END
sums "more than planned" 1 "1 passed, 1 failed, 0 skipped" <<'END'
KTAP version 1
1..1
ok 1 a
not ok 2 b
END
sums "an empty document" 1 "0 passed, 1 failed, 0 skipped" </dev/null
# A log beside the document says why.
echo "the guest died" >document.log
sums "no document, with a log" 1 "0 passed, 1 failed, 0 skipped" </dev/null
check "the end of the log is printed" grep -qx "failed: document: the guest died" output
sums "no document" 1 "0 passed, 1 failed, 0 skipped" <<<"Segmentation fault"

# The kernels, with tests that are for all kernels and for two, and a run of the tests that breaks off on one of them.

mkdir -p selftests/host
for document in every some; do
	printf '#!/bin/sh\n' >selftests/host/$document.sh
	chmod +x selftests/host/$document.sh
done
echo "# Kernels: stock debug" >>selftests/host/some.sh
cat >scripts/test <<'END'
#!/bin/sh
echo "$KERNEL: $*"
if [ "$KERNEL" = "$BROKEN" ]; then echo "failed: every: a test"; else echo "$# passed, 0 failed, 1 skipped"; fi
END
printf '#!/bin/sh\necho "$1" >>kernels\n' >scripts/kernel
printf '#!/bin/sh\nexec "$@"\n' >scripts/toolbox
export KALLOC_CACHE=$PWD/cache
mkdir -p cache/kernel-debug
touch cache/kernel-debug/.whole
# table STATUS COMMAND…: the lines of the table, without the time, are on standard input.
table() {
	local wanted=$1 status=0
	shift
	env -u KALLOC_KERNELS "$@" >output || status=$?
	sed -nE 's/ +[0-9]+$//; s/ +/ /g; /^(stock|rt|debug|7.2|arm64)[: ]|passed,/p' output | grep -v ' 1 skipped$' >rows
	diff rows - <&4 && [[ $status == "$wanted" ]]
}
check "each kernel has its tests, and the sum is theirs" table 0 scripts/test-kernels 4<<'END'
stock: every some
rt: every
debug: every some
7.2: every
arm64: every
stock 2 0 1
rt 1 0 1
debug 2 0 1
7.2 1 0 1
arm64 1 0 1
7 passed, 0 failed, 5 skipped
END
check "a kernel without the test that is asked for is left out" table 0 scripts/test-kernels some 4<<'END'
stock: some
debug: some
stock 1 0 1
debug 1 0 1
2 passed, 0 failed, 2 skipped
END
check "a kernel whose tests break off is a failure, which is named at the end" table 1 env BROKEN=rt scripts/test-kernels every 4<<'END'
stock: every
rt: every
debug: every
7.2: every
arm64: every
rt: every: a test
stock 1 0 1
rt 0 1 0
debug 1 0 1
7.2 1 0 1
arm64 1 0 1
4 passed, 1 failed, 4 skipped
END

check "what is there already is not made" test ! -e kernels
rm cache/kernel-debug/.whole
begins() { env -u KALLOC_KERNELS scripts/test-kernels every; timeout 10 sh -c 'until [ -e kernels ]; do sleep 0.1; done'; diff kernels - <<<debug; }
check "the debug kernel begins beside the first tests" begins

ktap_finished
