# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# An ordinary user, for tests that run in the toolbox as its root: the checkout, the cache and the test's own files are that
# user's, who enters the toolbox anew through a user namespace. So none of it is copied.

# The programs that make such a namespace are root's, who is another user there.
author=$(mktemp -d)
chmod 755 "$author"
cp /usr/bin/newuidmap /usr/bin/newgidmap "$author/"
chown 1:1 "$author"/new*
chmod 4755 "$author"/new*
echo "author:x:1000:1000::$author:/bin/bash" >"$author/passwd"
echo "author:2000:60000" >"$author/ids"
printf '%s\n' "1000 0 1" "0 1 1" "2000 2000 60000" >"$author/map"

# as_author COMMAND…
as_author() {
	local go pid shell
	go=$(mktemp -u -p "$author")
	mkfifo "$go"
	# shellcheck disable=SC2016
	KALLOC_NESTED=1 KALLOC_CACHE=$cache HOME=$author USER=author PATH=$author:$PATH \
		unshare --mount --propagation unchanged bash -c '
			read -r pid rest </proc/self/stat
			mount --make-rprivate /
			mount -t proc proc /proc
			mount --bind "$1/passwd" /etc/passwd
			mount --bind "$1/ids" /etc/subuid
			mount --bind "$1/ids" /etc/subgid
			exec unshare --user bash -c "echo $pid >\"\$1\"; read -r <\"\$1\"; exec \"\${@:2}\"" author "${@:2}"' author "$author" "$go" "$@" <&0 &
	shell=$!
	# It is in its namespace when it says its number, which is that of this /proc, and waits for the ids.
	read -r pid <"$go"
	cat "$author/map" >"/proc/$pid/uid_map"
	cat "$author/map" >"/proc/$pid/gid_map"
	echo >"$go"
	rm "$go"
	wait "$shell"
}

# author_ends DIRECTORY: removes it, the author's own files, and what was built of the drivers in it.
author_ends() {
	local driver
	for driver in "$1"/*; do [[ ! -d $driver ]] || rm -rf "$(DRIVER=$driver driver_output)"; done
	rm -rf --one-file-system "$1" "$author"
}
