#!/bin/bash
# Tries the tests on other people's machines: with their settings, their go, their rights, their runner.
#
#     tests/surroundings.sh [SURROUNDING...]
#
# The whole suite in each would take an hour. What runs are the tests that look at what is around them: those
# that find go and read settings (shim, configuration, obedience to go's own), git and its settings, terminals
# and signals, files that may not be written, and install.sh. All else is given its environment by the same
# harness, which some of these tests try for themselves.
#
# What a machine does not allow (mount or user namespaces) is not tried, and said. The last line is
# "surroundings: N passed, N failed".
set -euo pipefail
unset CDPATH
cd "$(dirname "$0")/.."
root=$PWD

# Names of tests, as regular expressions: of integration tests, of tests of the library's inside, of those that
# find a go, and of what takes long and sees nothing of all this.
outside='^(shim|harness_tools|configuration|settings|private|install)::'
inside='find_go|own_file|look_up|go_env|configuration_files|surroundings|explain|real_go|with_go|terminal|signals|vcs|cannot_be_written'
finding='^shim::|find_go|harness_tools|real_go'
slow='killed_anywhere'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A go that must never be run: it leaves a note, and fails. The one in the usual place may be asked for its
# version, by the tests that find it there.
cat >"$scratch/go" <<-END
	#!/bin/sh
	case "\$0 \$*" in "/usr/local/go/bin/go version") echo "go version go1.99.9 of this machine" && exit 0 ;; esac
	echo "\$0 \$*" >>"$scratch/machines-go-was-run"
	exit 97
END
chmod +x "$scratch/go"

# Runs the tests of a name with nextest; further arguments come before cargo.
nextest() {
	local names=$1
	shift
	"$@" cargo nextest run --color never --no-fail-fast --status-level fail --final-status-level fail \
		--lib --bins --tests -E "test(/$names/) - test(/$slow/)" 2>&1
}

# The same with cargo's own runner, all tests of one program in one process. It knows words, and no expressions.
cargo_test() {
	local names
	IFS='|' read -ra names <<<"$(tr -d '^()' <<<"$1")"
	shift
	"$@" cargo test --color never --quiet --no-fail-fast --lib --bins --tests -- "${names[@]}" --skip "$slow" 2>&1
}

# Sets $settings to a command that runs another with all that a user may have set; cargo keeps its homes.
write_settings() {
	local home=$scratch/home name
	mkdir -p "$home/.config/go" "$home/.config/git" "$home/.config/gox" "$scratch/path" "$scratch/tmp"
	printf 'GOPROXY=http://127.0.0.1:1\nGOFLAGS=-mod=vendor\nGOTOOLCHAIN=go1.99.9\nGOPRIVATE=*\n' >"$home/.config/go/env"
	printf '[url "file:///nowhere/"]\n\tinsteadOf = https://\n[commit]\n\tgpgSign = true\n[init]\n\ttemplateDir = /nowhere\n' \
		>"$home/.gitconfig"
	cp "$home/.gitconfig" "$home/.config/git/config"
	printf 'machine 127.0.0.1 login somebody password secret\n' >"$home/.netrc"
	printf 'no_such_key = 1\n' >"$home/.config/gox/gox.toml"
	cp "$scratch/go" "$scratch/path/go"
	cp "$scratch/go" "$scratch/path/gox"
	settings=(
		env "CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}" "RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}" CARGO_NET_OFFLINE=true
		HOME="$home" TMPDIR="$scratch/tmp" XDG_CONFIG_HOME="$home/.config" XDG_STATE_HOME=/nowhere
		GOENV="$home/.config/go/env" GOPROXY=http://127.0.0.1:1 GOFLAGS=-buildvcs=false GOTOOLCHAIN=go1.99.9
		GOSUMDB=nonsense GOPRIVATE='*' GONOPROXY='*' GONOSUMDB='*' GOINSECURE='*' GOVCS='*:off' GOAUTH=off
		GOWORK=/nowhere/go.work GOROOT=/nowhere GOPATH=/nowhere GOMODCACHE=/nowhere GOCACHE=/nowhere GOBIN=/nowhere
		GOTMPDIR=/nowhere GO111MODULE=off GODEBUG=http2client=0 GOOS=plan9 GOARCH=arm CGO_ENABLED=1
		GOMAXPROCS=1 GIT_DIR=/nowhere GIT_INDEX_FILE=/nowhere GIT_WORK_TREE=/nowhere GIT_CONFIG_COUNT=1
		GIT_CONFIG_KEY_0=core.fsmonitor GIT_CONFIG_VALUE_0=true GIT_ALLOW_PROTOCOL=none GIT_SSH_COMMAND=false
		GIT_TRACE=1 HTTP_PROXY=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 ALL_PROXY=socks5://127.0.0.1:1
		http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 SSL_CERT_FILE=/nowhere SSL_CERT_DIR=/nowhere
		LC_ALL=zh_CN.UTF-8 LANGUAGE=zh TZ=Asia/Shanghai CI=true GITHUB_ACTIONS=true GITLAB_CI=true
		GITHUB_STEP_SUMMARY="$scratch/summary" NO_COLOR=1 TERM=dumb CLICOLOR_FORCE=1
		GOX_MARKER='supervised;3' PATH="$scratch/path:$PATH"
	)
	for name in GO BYPASS CONFIG ATTEMPTS BUDGET STALL BACKOFF_BASE BACKOFF_MAX ROTATE MIRRORS PRIVATE CONFIDENTIAL \
		FILL RELAY OFFLINE STRICT WAIT_FOR_VERSION SEEDS VERBOSITY PROGRESS COLOR LANG JOURNAL REPORT RECORD STATE_DIR; do
		settings+=("GOX_$name=nonsense")
	done
}

# A mask that lets nobody else read, and SIGINT, SIGQUIT and SIGHUP ignored, as below nohup or in the background.
ignoring_signals() { (umask 077 && trap '' INT QUIT HUP && "$@"); }

# As long as they run there is, or is not, a /usr/local/go, and the system has a gox.toml that locks what tests set:
# in a mount namespace of their own, where every other thing of /usr/local and /etc is what it was.
with_usual_go() { usual_go yes "$@"; }
without_usual_go() { usual_go no "$@"; }
usual_go() {
	local wanted=$1 map=-m
	shift
	[ "$(id -u)" = 0 ] || map=-rm
	unshare "$map" true 2>/dev/null || return 77
	mkdir -p "$scratch/local"
	# shellcheck disable=SC2016 # the dollars are the inner shell's
	wanted=$wanted scratch=$scratch unshare "$map" bash -euc '
		mount -t tmpfs none "$scratch/local"
		for entry in /usr/local/*; do
			new=$scratch/local/${entry##*/}
			if [ "$entry" = /usr/local/go ]; then continue; fi
			if [ -L "$entry" ]; then cp -P "$entry" "$new"
			elif [ -d "$entry" ]; then mkdir "$new" && mount --rbind "$entry" "$new"
			else : >"$new" && mount --bind "$entry" "$new"; fi
		done
		if [ "$wanted" = yes ]; then
			mkdir -p "$scratch/local/go/bin"
			cp "$scratch/go" "$scratch/local/go/bin/go"
		fi
		mount --rbind "$scratch/local" /usr/local
		if [ ! -d "$scratch/etc" ]; then
			# Who is not root may not read all of it, and the tests neither.
			cp -a /etc "$scratch/etc" 2>/dev/null || :
			mkdir -p "$scratch/etc/gox"
			printf "attempts = 1\nbudget = \"1ms\"\nrelay = \"never\"\nlocked = [\"attempts\", \"budget\", \"relay\"]\n" \
				>"$scratch/etc/gox/gox.toml"
		fi
		mount --bind "$scratch/etc" /etc
		unset wanted scratch
		exec "$@"
	' usual_go "$@"
}

# With the ids and rights of an ordinary user, who owns all that root does. Who is none already is one.
not_root() {
	[ "$(id -u)" = 0 ] || {
		"$@"
		return
	}
	unshare --user --map-user=1000 --map-group=1000 true 2>/dev/null || return 77
	unshare --user --map-user=1000 --map-group=1000 "$@"
}

# On a terminal: whoever works at one has a controlling terminal, which gox looks for.
on_a_terminal() {
	python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@" </dev/null
}

# tests/run.sh with a cargo before which these words of sh stand; its last line and its status are judged.
run_sh() {
	local cargo status=0
	cargo=$(command -v cargo)
	mkdir -p "$scratch/cargo"
	printf '#!/bin/sh\n%s\nexec "%s" "$@"\n' "$1" "$cargo" >"$scratch/cargo/cargo"
	chmod +x "$scratch/cargo/cargo"
	"${settings[@]}" PATH="$scratch/cargo:$scratch/path:$PATH" GOX_TEST_RELEASES="${GOX_TEST_RELEASES%% *}" \
		tests/run.sh the_fake_go_follows >"$scratch/out" 2>&1 || status=$?
	if [ "$status" != 0 ] || [ "$(tail -n 1 "$scratch/out")" != '1 passed, 0 failed' ]; then
		cat "$scratch/out"
		return 1
	fi
}

settings_of_a_user() { nextest "$outside|$inside" ignoring_signals without_usual_go "${settings[@]}"; }
go_in_the_usual_place() { nextest "$finding" with_usual_go; }
no_root() { nextest "$outside|$inside" not_root; }
one_process_at_a_terminal() { cargo_test "$outside|$inside" on_a_terminal "${settings[@]}"; }
run_sh_with_nextest() {
	cargo nextest --version >/dev/null 2>&1 || return 77
	run_sh ':'
}
# shellcheck disable=SC2016 # the dollar is the script's
run_sh_without_nextest() { run_sh '[ "$1" != nextest ] || exit 101'; }

main() {
	cargo nextest --version >/dev/null 2>&1 || nextest() { cargo_test "$@"; }
	: "${GOX_TEST_RELEASES:=1.27.3 1.24.11 1.21.13}"
	write_settings
	if [ -z "${GOX_TEST_GO:-}" ]; then
		# shellcheck disable=SC2086 # several words
		GOX_TEST_GO=$(tests/go-releases.sh $GOX_TEST_RELEASES)
		# Not with head: it would be gone before the second release is there, and pipefail makes that a failure.
		export GOX_TEST_GO="${GOX_TEST_GO%%$'\n'*}"
	fi
	export GOX_TEST_GO_DIR="${GOX_TEST_GO_DIR:-$root/target/go-releases}"
	# Not with settings whose proxies lead nowhere. 3 says that there is no apt, and tests/run.sh then does without.
	tests/real-modules.sh >/dev/null || [ $? -eq 3 ]
	[ $# -gt 0 ] || set -- settings_of_a_user go_in_the_usual_place no_root one_process_at_a_terminal \
		run_sh_with_nextest run_sh_without_nextest
	# With the user's own mask: what is built is to stay usable.
	cargo test --quiet --no-run --lib --bins --tests
	local passed=0 failed=0 surrounding status
	for surrounding in "$@"; do
		printf '\n-- %s\n' "$surrounding"
		status=0
		"$surrounding" || status=$?
		if [ "$status" = 77 ]; then
			echo "not tried: this machine does not allow it"
		elif [ "$status" = 0 ] && [ ! -e "$scratch/machines-go-was-run" ]; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "FAILED: $surrounding ($status)"
			if [ -e "$scratch/machines-go-was-run" ]; then
				echo "a go or gox of this machine was run:"
				sort "$scratch/machines-go-was-run" | uniq -c
				rm "$scratch/machines-go-was-run"
			fi
		fi
	done
	printf '\nsurroundings: %s passed, %s failed\n' "$passed" "$failed"
	[ "$failed" = 0 ]
}

main "$@"
