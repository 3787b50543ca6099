#!/bin/sh
# Gets the true peers of the tests named peers::, and prints the folder that GOX_TEST_PEERS names to them.
#
#     tests/peers.sh
#
# nginx, squid and microsocks come from Debian, whose signatures cover them, and are installed: that needs root. None
# of them is left running as a service. mitmproxy comes from PyPI into target/tools/peers. What is here already is
# taken. Where something is missing and cannot be had the status is 3.
set -eu
unset CDPATH

mitmproxy=11.0.2

missing() {
	echo "peers.sh: $*" >&2
	exit 3
}

main() {
	root=$(cd "$(dirname "$0")/.." && pwd)
	to=${GOX_TEST_PEERS:-$root/target/tools/peers}
	PATH=$PATH:/usr/sbin:/sbin
	wanted=
	for program in nginx squid microsocks; do
		command -v "$program" >/dev/null 2>&1 || wanted="$wanted $program"
	done
	if [ -n "$wanted" ]; then
		[ "$(id -u)" = 0 ] || missing "only root can install$wanted"
		command -v apt-get >/dev/null 2>&1 || missing "no apt-get here to install$wanted"
		# Packages start services when they are installed, unless this says no.
		policy=/usr/sbin/policy-rc.d
		if [ ! -e "$policy" ]; then
			printf '#!/bin/sh\nexit 101\n' >"$policy"
			chmod 755 "$policy"
			trap 'rm -f "$policy"' EXIT
			trap 'exit 130' INT
			trap 'exit 143' TERM
		fi
		# shellcheck disable=SC2086 # several words
		{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq --no-install-recommends install $wanted; } \
			>&2 </dev/null || missing "apt-get cannot install$wanted"
	fi
	if [ ! -x "$to/bin/mitmdump" ]; then
		PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --upgrade \
			--target "$to" "mitmproxy==$mitmproxy" >&2 || missing "pip cannot install mitmproxy"
	fi
	echo "$to"
}

main "$@"
