#!/bin/bash
# Runs the script of the setup action as GitHub's runner would, against a release in a folder:
#
#     tests/setup-action.sh [GOX]
#
# The runner is simulated: the files that steps write PATH and variables into, how it makes the next step's of them,
# and how it starts a step's bash. The last line is "setup action: N passed, N failed".
set -uo pipefail
unset CDPATH BASH_ENV
root=$(cd "$(dirname "$0")/.." && pwd)
gox=${1:-${CARGO_TARGET_DIR:-$root/target}/debug/gox}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
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

# A job begins: nothing is on PATH but the system's.
begin() {
	job=$scratch/$1
	mkdir -p "$job/temp" "$job/home"
	job_path=/usr/bin:/bin
	job_env=()
}

# One step: bash is started as the runner does, and what it wrote is taken over for the next. Each line of the file
# PATH comes before all that was there.
step() {
	: >"$job/path"
	: >"$job/env"
	printf '%s\n' "$1" >"$job/step.sh"
	env -i PATH="$job_path" HOME="$job/home" RUNNER_TEMP="$job/temp" GITHUB_PATH="$job/path" GITHUB_ENV="$job/env" \
		GITHUB_OUTPUT="$job/output" ${job_env[@]+"${job_env[@]}"} \
		bash --noprofile --norc -eo pipefail "$job/step.sh" || return
	local line
	while IFS= read -r line; do job_path=$line:$job_path; done <"$job/path"
	while IFS= read -r line; do job_env+=("$line"); done <"$job/env"
}

setup() {
	job_env+=("GOX_SETUP_RELEASE=$release" "GOX_SETUP_SHIM=$1")
	step "'$root/.github/actions/setup/setup.sh'"
}

# What setup-go leaves behind: a go before all else on PATH.
setup_go() { step "echo '$scratch/go/bin' >>\"\$GITHUB_PATH\""; }

leads_to() { [ "$(step "readlink -f \"\$(command -v $1)\"")" = "$(readlink -f "$2")" ]; }
fails() { ! "$@"; }

mkdir -p "$scratch/go/bin" "$scratch/a release"
printf '#!/bin/sh\necho the real go "$@"\n' >"$scratch/go/bin/go"
chmod 755 "$scratch/go/bin/go"
file="$scratch/a release/gox-$(uname -m)-unknown-linux-musl"
cp "$gox" "$file"
(cd "${file%/*}" && sha256sum "${file##*/}" >"${file##*/}.sha256")
release="file://$scratch/a release/"

begin plain
holds "gox is set up" setup false
holds "it is on PATH" leads_to gox "$job/temp/gox/bin/gox"
setup_go
holds "go is setup-go's" leads_to go "$scratch/go/bin/go"
holds "the output names it" grep -qx "gox=$job/temp/gox/bin/gox" "$job/output"
holds "nothing is left at home" fails ls "$job/home/.local"

for order in before after; do
	begin "shim $order"
	[ $order = before ] || setup_go
	holds "gox is set up as go" setup true
	[ $order = after ] || setup_go
	holds "go is gox, setup-go having come $order" leads_to go "$job/temp/gox/bin/gox"
	holds "gox finds the real go" step 'go version | grep "^the real go version$"'
done

begin "own BASH_ENV"
echo 'export OWN=kept' >"$scratch/own"
job_env+=("BASH_ENV=$scratch/own")
holds "gox is set up beside a file that bash reads" setup true
holds "which is still read" step 'env | grep "^OWN=kept$"'

begin refused
holds "an input that is no choice is refused" fails setup perhaps
echo "$(printf 'a%.0s' {1..64})  gox" >"$file.sha256"
begin damaged
holds "a wrong sum is refused" fails setup true
holds "and nothing is on PATH" test ! -s "$job/path"

echo "setup action: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
