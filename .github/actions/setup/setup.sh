#!/bin/bash
# The action's work. The runner gives RUNNER_TEMP and the files GITHUB_PATH, GITHUB_ENV and GITHUB_OUTPUT.
#
# PATH is the runner's to build: each folder that a step adds stands before those of earlier steps, so setup-go's go
# would stand before a shim that was there first. Steps are run by bash without a terminal, which first reads the file
# that BASH_ENV names: there the shim comes first again, whatever was added in between.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=${here%/.github/actions/setup}
fail() {
	echo "::error title=gox::$*"
	exit 1
}

release=${GOX_SETUP_RELEASE:-}
if [ -z "$release" ]; then
	[ -n "${GOX_SETUP_REPOSITORY:-}" ] && [ -n "${GOX_SETUP_REF:-}" ] ||
		fail "the runner does not say which release this is: set the input release"
	release=${GITHUB_SERVER_URL:-https://github.com}/$GOX_SETUP_REPOSITORY/releases/download/$GOX_SETUP_REF/
fi
dir=$RUNNER_TEMP/gox
args=(--from-release "$release" --to "$dir/bin")
case ${GOX_SETUP_SHIM:-false} in
	true) args+=(--shim "$dir/shim") ;;
	false) ;;
	*) fail "the input shim is true or false, not '$GOX_SETUP_SHIM'" ;;
esac

mkdir -p "$dir"
XDG_DATA_HOME=$dir/data sh "$root/install.sh" "${args[@]}" || fail "gox could not be installed from $release"
"$dir/bin/gox" --version
echo "$dir/bin" >>"$GITHUB_PATH"
echo "gox=$dir/bin/gox" >>"$GITHUB_OUTPUT"
if [ -e "$dir/shim/go" ]; then
	{
		[ -z "${BASH_ENV:-}" ] || printf '. %q\n' "$BASH_ENV"
		# shellcheck disable=SC2016 # for the shell of a later step
		printf 'case $PATH in %q:*) ;; *) PATH=%q:$PATH ;; esac\n' "$dir/shim" "$dir/shim"
	} >"$dir/first"
	echo "$dir/shim" >>"$GITHUB_PATH"
	echo "BASH_ENV=$dir/first" >>"$GITHUB_ENV"
fi
