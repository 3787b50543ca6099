#!/bin/bash
# From a wheel to a download that got through a bad proxy, on a machine without Rust:
#
#     release/fresh-root.sh WHEEL GO_DIR BAD_PROXY [ROOT]
#
# Makes a fresh Debian with nothing but Python (debootstrap, once, into ROOT; a temporary one without), puts the wheel
# and the Go in GO_DIR (a GOROOT) into it, and starts BAD_PROXY (examples/bad_proxy, built) beside it. Inside, pip
# installs the wheel, plain go fails, and gox gets through: in less than a minute, or this fails. Needs to be root.
set -euo pipefail
unset CDPATH
[ $# -ge 3 ] || { sed -n '4p' "$0" >&2; exit 2; }
wheel=$1 go=$2 proxy=$3 root=${4-}
scratch=$(mktemp -d)
proxy_id=
clean_up() {
	[ -z "$proxy_id" ] || kill "$proxy_id" 2>/dev/null || :
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
[ -n "$root" ] || root=$scratch/root
[ -e "$root/usr/bin/python3" ] ||
	debootstrap --variant=minbase --include=python3-venv,ca-certificates bookworm "$root" >"$scratch/log" ||
	{ tail "$scratch/log" >&2; exit 1; }

rm -rf "$root/demo"
mkdir -p "$root/demo/project" "$root/demo/go"
cp "$wheel" "$root/demo"
"$proxy" --project "$root/demo/project" --fault network --rate 0.2 --seconds 300 >"$scratch/said" &
proxy_id=$!
until [ -s "$root/demo/project/env.sh" ] && [ -s "$scratch/said" ]; do
	kill -0 "$proxy_id" || exit 1
	sleep 0.1
done

cat >"$root/demo/inside.sh" <<'END'
set -eu
! command -v cargo && ! command -v rustc
. /demo/project/env.sh
export HOME=/demo/home PATH=/demo/venv/bin:/demo/go/bin:$PATH
mkdir "$HOME"
cd /demo/project
echo '$ go mod download'
if go mod download; then echo "the proxy did not misbehave" >&2; exit 1; fi
began=$(date +%s)
echo '$ pip install gox_go-*.whl && gox mod download'
python3 -m venv /demo/venv
pip install --quiet --disable-pip-version-check --no-index /demo/*.whl
GOMODCACHE=/demo/fresh gox mod download
took=$(($(date +%s) - began))
echo "from pip install to the modules: $took s"
[ "$took" -lt 60 ]
END
# The root's own mounts end with it.
# shellcheck disable=SC2016 # for the shell below
unshare --mount sh -c '
	mount --make-rprivate / && mount --bind "$2" "$1/demo/go" && mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" &&
	exec chroot "$1" /usr/bin/env -i PATH=/usr/bin:/bin sh /demo/inside.sh' sh "$root" "$go"
