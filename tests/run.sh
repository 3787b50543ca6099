#!/bin/sh
# Runs all tests on a machine with Rust and Python: gets the go releases and the real modules first.
#
#     tests/run.sh [FILTER...]
#
# All tests run with the newest go, those named release_ again with each of the others, and Go's own scripts judge
# gox then (tests/go-scripts.sh), and it is packed and installed (tests/packages.sh,
# tests/setup-action.sh). With a FILTER its tests run alone. GOX_TEST_RELEASES ("1.27.3 1.24.11 1.21.13",
# the newest first) says which releases. The last line is the sum: "N passed, N failed".
#
# GOX_UNDER_TEST is a gox to test in the place of the one that cargo builds: a release's static program, for example.
#
# On Debian, as root, the true peers of the tests named peers:: are installed (tests/peers.sh): nginx, squid, microsocks;
# elsewhere those tests are left out, and named in the last lines.
#
# Nothing of the machine's settings is seen by the tests: the harness (tests/it/harness) gives all they start
# an environment of its own. tests/surroundings.sh tries that.
set -eu
unset CDPATH

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
: "${GOX_TEST_RELEASES:=1.27.3 1.24.11 1.21.13}"
export GOX_TEST_GO_DIR="${GOX_TEST_GO_DIR:-$root/target/go-releases}"

# cargo nextest where it is installed (each test a process of its own), else cargo test.
if cargo nextest --version >/dev/null 2>&1; then
	nextest=1
else
	nextest=
fi

# Runs cargo, shows its output and keeps it; a failure is remembered in $log.failed.
recorded() {
	{ "$@" 2>&1 </dev/null || : >"$log.failed"; } | tee -a "$log"
}

run_tests() {
	without=
	[ -n "$real" ] || without=real
	[ -n "$peers" ] || without="$without${without:+|}peers"
	if [ -n "$nextest" ]; then
		[ -z "$without" ] || set -- "$@" -E "not test(/^($without)::/)"
		recorded cargo nextest run --color never --lib --bins --tests --examples --no-fail-fast "$@"
	else
		set -- "$@" --
		[ -n "$real" ] || set -- "$@" --skip real::
		[ -n "$peers" ] || set -- "$@" --skip peers::
		recorded cargo test --color never --lib --bins --tests --examples --no-fail-fast "$@"
	fi
}

# The release that a go belongs to.
release_of() { head -n 1 "$(dirname "$1")/../VERSION"; }

# Adds up the runners' summaries. Below nextest the lines of cargo test are those of single tests, indented,
# but for the documentation tests at the end.
sum_up() {
	awk '
		/^ *Summary \[/ || /^test result: / || /^scripts: / || /^packages: / || /^setup action: / {
			for (i = 2; i <= NF; i++) {
				if ($i ~ /^passed/) passed += $(i - 1)
				if ($i ~ /^failed/) failed += $(i - 1)
			}
		}
		END { printf "%d passed, %d failed\n", passed, failed }
	' "$log"
}

# shellcheck disable=SC2086 # several words
releases=$(tests/go-releases.sh $GOX_TEST_RELEASES)
# Where no apt is, there are no real modules, and the tests that build them are left out: 3 says so.
real=1
GOX_TEST_REAL_DIR=$(tests/real-modules.sh) || {
	[ $? -eq 3 ] || exit 1
	real=
}
export GOX_TEST_REAL_DIR
# nginx, squid, microsocks and mitmproxy: from Debian, by root, and from PyPI. Where they cannot be had the tests named
# peers:: are left out, unless GOX_TEST_PEERS_WANTED says that they must not be.
peers=1
GOX_TEST_PEERS=$(tests/peers.sh) || {
	[ $? -eq 3 ] && [ -z "${GOX_TEST_PEERS_WANTED:-}" ] || exit 1
	peers=
}
export GOX_TEST_PEERS
# Networks and mounts of a test's own: root's alone.
worlds=1
unshare --net --mount true 2>/dev/null || worlds=

mkdir -p target
log=$(mktemp "$root/target/tests.XXXXXX")
trap 'rm -f "$log" "$log.failed"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

newest=$(printf '%s\n' "$releases" | head -n 1)
echo "== all tests, $(release_of "$newest")"
export GOX_TEST_GO="$newest"
run_tests "$@"
if [ $# -eq 0 ]; then
	recorded cargo test --color never --quiet --doc
	printf '%s\n' "$releases" | tail -n +2 | while IFS= read -r go; do
		echo "== tests of each release, $(release_of "$go")"
		GOX_TEST_GO=$go
		run_tests release_
	done
	echo "== Go's own scripts"
	GOX_UNDER_TEST="${GOX_UNDER_TEST:-${CARGO_TARGET_DIR:-$root/target}/debug/gox}" recorded tests/go-scripts.sh
	echo "== packages for pip and npm"
	recorded tests/packages.sh
	echo "== setup action"
	recorded tests/setup-action.sh
fi
echo
[ -n "$real" ] || echo "The tests named real:: were left out: see above."
[ -n "$peers" ] || echo "The tests named peers:: were left out: see above."
[ -n "$worlds" ] || echo "The tests named worlds:: looked at nothing: only root may make networks of its own."
command -v make >/dev/null || echo "The test of examples/ci/Makefile looked at nothing: there is no make."
sum_up
[ ! -e "$log.failed" ]
