#!/bin/sh
# Go's own script tests, run with gox in the place of go: is it transparent?
#
#     tests/go-scripts.sh [--all | NAME...]
#
# cmd/go is tested by some 900 scripts (cmd/go/testdata/script): command lines, and what they must say and
# leave behind. Whatever passes with plain go must pass through gox. By default those about modules,
# workspaces, toolchains and the network are run, chosen by the beginnings of their names (see below);
# --all runs all, NAME those alone.
#
# The GOROOT of the tests' go (GOX_TEST_GO, else the newest of tests/go-releases.sh) is copied into
# target/go-scripts, and cmd/go's test program is built there, with one file beside it: go-scripts/gox_test.go,
# which leads the scripts' go to gox. One line of the copy is added to: each script gets a state folder of its own,
# since all talk to one proxy, and what gox remembers of one script's faults would be another's trouble. A script
# that fails through gox is run again with plain go: where it fails there too (no C compiler, no hg, another git,
# not root, ...) it is no judge here. Skipped ones skip themselves.
#
# tests/go-scripts.txt holds the exceptions, each with its reason. An exception that passes is an error.
# The last line is "scripts: N passed, N failed".
set -eu
unset CDPATH
# One order for sort and comm.
export LC_ALL=C

# How many exceptions there are: lowered with each that heals, never raised.
exceptions=2

chosen='auth_ get_ goauth_ gotoolchain_ govcs install_ malformed_ mod_ modfile_ netrc_ reuse_ toolchain vendor_ work_ ws2_'

fail() {
	echo "go-scripts.sh: $*" >&2
	exit 1
}

# Copies GOROOT and builds the test program, unless that was done for this release and this file before.
prepare() {
	stamp=$(cat "$here/go-scripts.sh" "$here/go-scripts/gox_test.go" | cksum)
	[ "$(cat "$work/ready" 2>/dev/null || :)" != "$stamp" ] || return 0
	echo "go-scripts.sh: building cmd/go's tests of $version" >&2
	remove "$work"
	mkdir -p "$work/home"
	cp -R "$from" "$work/goroot"
	cp "$here/go-scripts/gox_test.go" "$work/goroot/src/cmd/go/"
	chmod -R u+w "$work/goroot"
	give_states "$work/goroot/src/cmd/go/script_test.go"
	(cd "$work/goroot/src/cmd/go" && clean "$work/goroot/bin/go" test -c -vet=off -o "$work/cmdgo.test" . >&2) ||
		fail "cmd/go's tests of $version do not build"
	printf '%s\n' "$stamp" >"$work/ready"
}

# Has each script begin with a GOX_STATE_DIR of its own, beside its folder: scripts look at what is in that.
give_states() {
	begins='must(s.Setenv("WORK", work))'
	[ "$(grep -cF "$begins" "$1")" = 1 ] || fail "scripts of $version begin otherwise"
	sed "s|$begins|&; must(s.Setenv(\"GOX_STATE_DIR\", work+\".gox\"))|" "$1" >"$1.new"
	mv "$1.new" "$1"
}

# Removes a folder that may have read-only folders in it.
remove() {
	[ ! -e "$1" ] || chmod -R u+w "$1" 2>/dev/null || :
	rm -rf "$1"
}

# Runs a program with nothing of the user's.
clean() {
	env -i PATH="$work/goroot/bin:$PATH" HOME="$work/home" TMPDIR="$scratch" GOCACHE="$work/cache" GOENV=off \
		GOTOOLCHAIN=local GOPROXY=off GOTELEMETRY=off GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null "$@"
}

# Runs scripts; $1 is where the names and verdicts go, $2 a pattern of names, the rest further variables.
run_scripts() {
	verdicts=$1 pattern=$2
	shift 2
	# A script that needs longer than the whole has failed.
	(cd "$work/goroot/src/cmd/go" && clean "$@" "$work/cmdgo.test" -test.v -test.timeout 40m \
		-test.run "^(TestGoIsGox|TestScript)\$/$pattern") >"$scratch/log" 2>&1 </dev/null || :
	sed -n 's,^ *--- \([A-Z]*\): TestScript/\([^ ]*\) .*,\2 \1,p' "$scratch/log" | sort >"$verdicts"
	# The verdict of all together comes last: without it some have none.
	if ! grep -q '^--- [A-Z]*: TestScript ' "$scratch/log" || [ ! -s "$verdicts" ]; then
		tail -n 40 "$scratch/log" >&2
		fail "the scripts did not run to their end"
	fi
}

# The names with one verdict.
with_verdict() { sed -n "s/ $2\$//p" "$1"; }

# The pattern for the names in a file.
pattern_of() { printf '^(%s)$' "$(tr '\n' '|' <"$1" | sed 's/|$//')"; }

# What one script said.
show() {
	echo "--- $1"
	awk -v name="$1" '
		/^=== / { mine = ($3 == "TestScript/" name); next }
		$0 ~ "^ *--- [A-Z]*: TestScript/" name " " { mine = 1; print; next }
		/^ *--- / { mine = 0 }
		mine { print }
	' "$scratch/log" | tail -n 60
}

main() {
	here=$(cd "$(dirname "$0")" && pwd)
	root=$(dirname "$here")
	gox=${GOX_UNDER_TEST:-$root/target/debug/gox}
	[ -x "$gox" ] || (cd "$root" && cargo build --quiet --bin gox) || fail "gox does not build"
	go=${GOX_TEST_GO:-$("$here/go-releases.sh" | head -n 1)}
	from=$(cd "$(dirname "$go")/.." && pwd)
	[ -d "$from/src/cmd/go/testdata/script" ] || fail "$from has no sources of cmd/go"
	version=$(head -n 1 "$from/VERSION")
	work=$root/target/go-scripts/$version
	mkdir -p "$root/target/go-scripts"
	scratch=$(mktemp -d "$root/target/go-scripts/run.XXXXXX")
	trap 'remove "$scratch"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	if [ "${1-}" = --all ]; then
		[ $# -eq 1 ] || fail "--all takes no names"
		pattern='.'
	elif [ $# -gt 0 ]; then
		printf '%s\n' "$@" >"$scratch/names"
		pattern=$(pattern_of "$scratch/names")
	else
		pattern="^($(echo "$chosen" | tr ' ' '|'))"
	fi
	prepare

	run_scripts "$scratch/gox" "$pattern" GOX_UNDER_TEST="$gox" GOX_CONFIG=none \
		GOX_BACKOFF_BASE=5ms GOX_BACKOFF_MAX=50ms
	with_verdict "$scratch/gox" PASS >"$scratch/passed"
	with_verdict "$scratch/gox" FAIL >"$scratch/failed"
	sed 's/[[:space:]#].*//; /^$/d' "$here/go-scripts.txt" | sort >"$scratch/exceptions"
	[ "$(grep -c . <"$scratch/exceptions")" = "$exceptions" ] || fail "there are not $exceptions exceptions any more"
	while read -r name; do
		[ -f "$work/goroot/src/cmd/go/testdata/script/$name.txt" ] || fail "an exception for $name, which is no script"
	done <"$scratch/exceptions"
	status=0
	comm -12 "$scratch/passed" "$scratch/exceptions" >"$scratch/healed"
	while read -r name; do
		echo "$name passes: take it out of tests/go-scripts.txt, and lower their number in tests/go-scripts.sh"
		status=1
	done <"$scratch/healed"
	comm -23 "$scratch/failed" "$scratch/exceptions" >"$scratch/suspects"
	: >"$scratch/guilty"
	if [ -s "$scratch/suspects" ]; then
		cp "$scratch/log" "$scratch/log.gox"
		run_scripts "$scratch/plain" "$(pattern_of "$scratch/suspects")"
		with_verdict "$scratch/plain" PASS >"$scratch/guilty"
		mv "$scratch/log.gox" "$scratch/log"
		while read -r name; do
			show "$name"
			status=1
		done <"$scratch/guilty"
		comm -23 "$scratch/suspects" "$scratch/guilty" | while read -r name; do
			echo "$name is no judge here: it does not pass with plain go either"
		done
	fi
	skipped=$(with_verdict "$scratch/gox" SKIP | grep -c .) || :
	excepted=$(comm -12 "$scratch/failed" "$scratch/exceptions" | grep -c .) || :
	echo "$version: $skipped scripts skipped themselves, $excepted fail as tests/go-scripts.txt says"
	failed=$(cat "$scratch/guilty" "$scratch/healed" | grep -c .) || :
	passed=$(comm -23 "$scratch/passed" "$scratch/healed" | grep -c .) || :
	[ "$passed" != 0 ] || fail "no script has passed"
	echo "scripts: $passed passed, $failed failed"
	return "$status"
}

main "$@"
