#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What a person reads when this machine cannot make or enter the toolbox.
#
# Kernels: stock

. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

plan 24

export KALLOC_NESTED=1 KALLOC_CACHE=$tmp/cache DEBIAN_MIRROR=
shims=$tmp/shim:$PATH
box=("$tmp/scripts/toolbox" true)
as_daemon=(setpriv --reuid daemon --regid daemon --clear-groups)
other="set KALLOC_CACHE to a directory"

# Machine

shim uname <<<'echo riscv64'
says "a machine that nobody knows" "this machine is riscv64, and the toolbox .* are for aarch64 x86_64\." \
	env PATH="$shims" "${box[@]}"
rm shim/uname

# Tools

without=$(hide mmdebstrap)
says "no mmdebstrap, told how to install it" "mmdebstrap is missing; run as root: apt-get install mmdebstrap" \
	env PATH="$without" KALLOC_NO_INSTALL=1 "${box[@]}"

echo 'ID=fedora' >fedora
says "no mmdebstrap on Fedora" "mmdebstrap is missing; run as root: dnf install mmdebstrap" \
	unshare --mount --propagation unchanged \
	bash -c 'mount --bind fedora /etc/os-release && PATH=$1 exec "${@:2}"' - "$without" "${box[@]}"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
says "no keyring of Debian's, as on a fresh Ubuntu" \
	"$keyring is missing; run as root: apt-get install debian-archive-keyring" \
	unshare --mount --propagation unchanged \
	bash -c 'mount -t tmpfs tmpfs /usr/share/keyrings && KALLOC_NO_INSTALL=1 exec "$@"' - "${box[@]}"

echo 'ID=arch' >arch
says "no mmdebstrap on a distribution that is not known" \
	"mmdebstrap is missing; install what has it \(Debian's name: mmdebstrap\) with your distribution's package manager" \
	unshare --mount --propagation unchanged \
	bash -c 'mount --bind arch /etc/os-release && PATH=$1 exec "${@:2}"' - "$without" "${box[@]}"

cp -r "$without" both
rm both/findmnt
says "all that is missing, at once" "findmnt mmdebstrap is missing; run as root: apt-get install mmdebstrap util-linux" \
	env PATH="$tmp/both" KALLOC_NO_INSTALL=1 "${box[@]}"

# As root it installs by itself; here the package lists are empty until an update.
cp -r "$without" installing
rm installing/apt-get
cat >installing/apt-get <<'SHIM'
#!/bin/bash
[[ $1 == indextargets ]] || echo "$*" >>"$KALLOC_CACHE.calls"
case "$*" in
update*) touch "$KALLOC_CACHE.lists" ;;
install*) [[ -e $KALLOC_CACHE.lists ]] && exit 0; exit 100 ;;
esac
SHIM
chmod +x installing/apt-get
install_calls() {
	PATH=$tmp/installing "${box[@]}"
	diff "$KALLOC_CACHE.calls" - <<-CALLS
		install -y -q --no-install-recommends mmdebstrap
		update -q
		install -y -q --no-install-recommends mmdebstrap
	CALLS
}
check "root installs mmdebstrap, after an update if need be" install_calls

mkdir -m 777 mine
without=$(hide newuidmap)
says "no newuidmap for an ordinary user" "newuidmap is missing; run as root: apt-get install uidmap" \
	env PATH="$without" KALLOC_CACHE="$tmp/mine/cache" "${as_daemon[@]}" "${box[@]}"

# Cache

mkdir theirs
chown daemon theirs
says "a cache left by another user" "the cache $tmp/theirs was left by user daemon; remove it, or $other of your own\." \
	env KALLOC_CACHE="$tmp/theirs" "${box[@]}"
says "a cache that cannot be made" "the cache /proc/cache cannot be made; $other of your own\." \
	env KALLOC_CACHE=/proc/cache "${box[@]}"
says "a cache with a space in its name" "the cache's name \"$tmp/a b\" has a space .*; $other without\." \
	env KALLOC_CACHE="$tmp/a b" "${box[@]}"
for option in noexec nosuid; do
	mkdir "$option"
	mount -t tmpfs -o "$option" tmpfs "$option"
	says "a cache on a file system mounted $option" \
		"the cache $tmp/$option is on a file system mounted $option, where .*; $other on another one\." \
		env KALLOC_CACHE="$tmp/$option" "${box[@]}"
	umount "$option"
done
mkdir small
mount -t tmpfs -o size=3g tmpfs small
says "less than 10 GB of disk" "the cache $tmp/small has [23] GB of free disk and .* need 10 GB; .*" \
	env KALLOC_CACHE="$tmp/small" "${box[@]}"
umount small

# Namespaces

says "no subordinate ids" \
	"user daemon has no subordinate ids; run as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 daemon" \
	env KALLOC_CACHE="$tmp/mine/cache" "${as_daemon[@]}" "${box[@]}"

# A namespace in which no further one may be made; only its root is mapped, so the ids are stood in for.
shim id <<<'[[ $1 == -un ]] && echo daemon || echo 1'
echo daemon:100000:65536 >subids
shim stat <<<'echo 1'
forbidden() {
	unshare --user --map-root-user --mount --propagation unchanged bash -c '
		mount --bind subids /etc/subuid; mount --bind subids /etc/subgid
		echo 0 >/proc/sys/user/max_user_namespaces; PATH=$1 exec "${@:2}"' - "$shims" "${box[@]}"
}
says "user namespaces forbidden" \
	"user namespaces are forbidden here; run as root: sysctl user.max_user_namespaces=10000 \(or run make as root\)\." forbidden
rm shim/id shim/stat

shim unshare <<<'[[ $* != *--map-auto* ]] || { echo "unshare: unrecognized option --map-auto" >&2; exit 1; }'
shim id <<<'[[ $1 == -un ]] && echo daemon || echo 1'
shim stat <<<'echo 1'
says "unshare older than --map-auto" "unshare of this machine has no --map-auto; util-linux 2\.38 or newer .*" \
	unshare --mount --propagation unchanged bash -c '
		mount --bind subids /etc/subuid; mount --bind subids /etc/subgid; PATH=$1 exec "${@:2}"' - "$shims" "${box[@]}"
rm shim/*

says "root without the right to mount" "root may not make mount namespaces here .*" \
	setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "${box[@]}"

# Making it

# What mmdebstrap prints when the archive's keys are newer than the keyring.
shim mmdebstrap <<'SHIM'
echo "W: GPG error: trixie InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 6ED0E7B82643E131"
echo "E: The repository 'trixie InRelease' is not signed."
exit 25
SHIM
old="this machine's Debian keyring is too old for Debian 13 .*; upgrade the package debian-archive-keyring\."
says "a keyring too old for Debian 13" "$old" env PATH="$shims" "${box[@]}"

# The same for real, where a mirror is there to ask: all the keys there are, are Debian's withdrawn ones.
mkdir -p lists/partial
if timeout 20 apt-get update -q -o Dir::State::lists="$tmp/lists" >/dev/null 2>&1; then
	says "a keyring too old for Debian 13, really" "$old" unshare --mount --propagation unchanged bash -c '
		cp /usr/share/keyrings/debian-archive-removed-keys.* old
		for file in /usr/share/keyrings/debian-archive-keyring.*; do mount --bind old "$file"; done
		mount -t tmpfs tmpfs /etc/apt/trusted.gpg.d; exec "$@"' - "${box[@]}"
else
	ktap_test_skip "a keyring too old for Debian 13, really: no mirror to ask"
fi

# A run that is interrupted leaves nothing that the next one takes for a toolbox.
shim mmdebstrap <<'SHIM'
for part; do [[ $part != *.part ]] || break; done
mkdir -p "$part/usr/bin"
touch "$part/half"
case ${HOW:-} in slowly) sleep 60 ;; badly) exit 1 ;; esac
SHIM
says "a making that fails" "the toolbox could not be made; the reason is above, and in $tmp/cache/toolbox-.*" \
	env PATH="$shims" HOW=badly "${box[@]}"
# As a terminal sends it, to the whole group.
interrupted() {
	HOW=slowly PATH=$shims timeout -s INT 1 "${box[@]}" >said 2>&1
	cat said
	grep -qx 'kalloc: interrupted' said && ! grep 'could not be made' said
}
check "Ctrl-C while it is made is no failure" interrupted
half_made() {
	HOW=slowly PATH=$shims timeout -s KILL 1 "${box[@]}"
	compgen -G "$KALLOC_CACHE/toolbox-*.part/half" && ! compgen -G "$KALLOC_CACHE/toolbox-*[0-9a-f]"
}
check "an interrupted run leaves no root" half_made
made_again() {
	PATH=$shims "${box[@]}"	# goes on to fail, in a root of one file
	! compgen -G "$KALLOC_CACHE/toolbox-*.part" && compgen -G "$KALLOC_CACHE/toolbox-*[0-9a-f]/half"
}
check "the next run makes it again" made_again

ktap_finished
