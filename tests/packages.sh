#!/bin/bash
# Packs a built gox for pip and npm, and installs the packages from their files into fresh places:
#
#     tests/packages.sh [GOX]
#
# GOX (target/debug/gox) need not be a static program. Nothing is asked of a network. Without npm its half is left
# out. The last line is "packages: N passed, N failed".
set -uo pipefail
unset CDPATH
root=$(cd "$(dirname "$0")/.." && pwd)
gox=${1:-${CARGO_TARGET_DIR:-$root/target}/debug/gox}
[ -x "$gox" ] || { echo "packages.sh: $gox is not there: build it first" >&2; exit 1; }
gox=$(cd "$(dirname "$gox")" && pwd)/$(basename "$gox")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
passed=0 failed=0

holds() {
	local what=$1
	shift
	if "$@" >"$scratch/said" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $what"
		sed 's/^/    /' "$scratch/said"
	fi
}

case $(uname -sm) in
	"Linux x86_64") target=x86_64-unknown-linux-musl ;;
	"Linux aarch64") target=aarch64-unknown-linux-musl ;;
	*)
		echo "There are no packages for $(uname -sm)."
		echo "packages: 0 passed, 0 failed"
		exit ;;
esac

# A small one: what is packed is copied many times below.
cp "$gox" "$scratch/gox"
strip "$scratch/gox" 2>/dev/null || :
pack() { python3 "$root/release/packages.py" --out "$1" "${@:2}"; }
runs() { "$1" --version | grep "^gox "; }
ends_with_125() { "$@"; [ $? -eq 125 ]; }
says_which() { ! "$1" version >"$scratch/words" 2>&1 && grep "install gox-go-linux-" "$scratch/words"; }
refused() { ! "$@" >/dev/null 2>&1; }

holds "programs are packed" pack "$scratch/out" --any-linking "$target=$scratch/gox"
same_again() {
	pack "$scratch/again" --any-linking "$target=$scratch/gox" >/dev/null && diff -r "$scratch/out" "$scratch/again"
}
holds "the same input gives the same bytes" same_again
printf '#!/bin/sh\n' >"$scratch/script"
holds "a script is no program" refused pack "$scratch/none" "$target=$scratch/script"
head -c 40 "$scratch/gox" >"$scratch/stump"
holds "a stump is no program" refused pack "$scratch/none" "$target=$scratch/stump"
other=aarch64-unknown-linux-musl
[ "$target" != "$other" ] || other=x86_64-unknown-linux-musl
holds "another machine's program is refused" refused pack "$scratch/none" "$other=$scratch/gox"

page() {
	python3 "$root/release/man.py" "$scratch/gox" >"$scratch/gox.1" && grep -qx '[.]SH GOX EXPLAIN' "$scratch/gox.1" &&
		{ ! command -v groff || groff -man -Tutf8 -ww "$scratch/gox.1"; } >"$scratch/seen" 2>"$scratch/warned" &&
		diff /dev/null "$scratch/warned"
}
holds "gox tells its manual page, as roff takes it" page

clean() { env -i HOME="$scratch/home" PATH="$PATH" TMPDIR="$scratch" PYENV_VERSION="${PYENV_VERSION-}" "$@"; }
mkdir "$scratch/home"

venv=$scratch/a\ venv
holds "a fresh environment of Python" clean python3 -m venv "$venv"
holds "pip installs the wheel" clean "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index \
	"$scratch"/out/*.whl
holds "pip's gox is the program" cmp "$scratch/gox" "$venv/bin/gox"
holds "pip's gox runs" runs "$venv/bin/gox"
holds "pip takes it back" clean "$venv/bin/python" -m pip uninstall --quiet --yes gox-go
holds "and leaves nothing" test ! -e "$venv/bin/gox"

if command -v npm >/dev/null; then
	mkdir "$scratch/project"
	cd "$scratch/project" || exit 1
	echo '{"private": true}' >package.json
	holds "npm installs the packages" clean npm install --offline --no-audit --no-fund --ignore-scripts \
		"$scratch"/out/gox-go-linux-*.tgz "$scratch"/out/gox-go-[0-9]*.tgz
	launcher=node_modules/.bin/gox
	holds "npm's gox runs" runs "$launcher"
	holds "its status is gox's" ends_with_125 "$launcher" explain --no-such-option
	holds "nothing runs when it is installed" sh -c '! grep -q "\"scripts\"" node_modules/gox-go*/package.json'
	rm -rf node_modules/gox-go-linux-*
	holds "without the machine's package it says which" says_which "$launcher"
else
	echo "npm is not here: its packages are not tried."
fi
echo "packages: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
