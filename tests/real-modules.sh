#!/bin/sh
# Fetches real third-party Go modules for the tests, and prints the folder that holds them.
#
#     tests/real-modules.sh
#
# Debian ships the sources of many Go modules, with their go.mod files, in packages named golang-*-dev. The
# packages named below and all those they depend on are downloaded with apt (whose signatures cover them)
# and unpacked into target/real-modules (or GOX_TEST_REAL_DIR); nothing is installed, and no root is needed.
# GOX_TEST_REAL_DIR may also name a folder that somebody filled before: with import paths for folders, as
# below /usr/share/gocode/src. Where there is neither apt nor such a folder the status is 3.
set -eu
unset CDPATH

packages='golang-github-gin-gonic-gin-dev golang-github-spf13-viper-dev golang-google-grpc-dev'

fail() {
	echo "real-modules.sh: $*" >&2
	exit 1
}

main() {
	root=$(cd "$(dirname "$0")/.." && pwd)
	to=${GOX_TEST_REAL_DIR:-$root/target/real-modules}
	case $to in
	/*) ;;
	*) to=$PWD/$to ;;
	esac
	if [ -d "$to/github.com/gin-gonic/gin" ]; then
		echo "$to"
		return
	fi
	for tool in apt-get apt-cache dpkg-deb; do
		command -v "$tool" >/dev/null 2>&1 || {
			echo "real-modules.sh: no $tool here: without apt, fill GOX_TEST_REAL_DIR with module sources by hand" >&2
			exit 3
		}
	done
	mkdir -p "$(dirname "$to")"
	work=$to.new.$$
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/debs" "$work/root"
	# Lists and downloads of our own: the machine's are only root's to write.
	cat >"$work/apt.conf" <<-END
		Dir::State "$work/state";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$work/cache";
		Debug::NoLocking "true";
		APT::Sandbox::User "$(id -un)";
		Acquire::Retries "3";
	END
	export APT_CONFIG="$work/apt.conf"
	echo "real-modules.sh: getting $packages and what they need from Debian" >&2
	apt-get -qq update >&2 || fail "apt-get update failed (see above)"
	# shellcheck disable=SC2086 # several words
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
		--no-enhances $packages >"$work/depends" || fail "apt-cache does not know $packages"
	# Of two packages with the same module (named as alternatives) the newer one.
	grep -E '^golang-.*-dev$' "$work/depends" | grep -v 'protobuf-1-3-dev' | sort -u >"$work/list"
	(cd "$work/debs" && xargs apt-get -qq download <"$work/list" >&2) || fail "apt-get download failed (see above)"
	for deb in "$work"/debs/*.deb; do
		dpkg-deb -x "$deb" "$work/root"
	done
	[ -d "$work/root/usr/share/gocode/src/github.com/gin-gonic/gin" ] ||
		fail "the packages have no module sources below /usr/share/gocode/src"
	rm -rf "$to"
	mv "$work/root/usr/share/gocode/src" "$to"
	echo "$to"
}

main "$@"
