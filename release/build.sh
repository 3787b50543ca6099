#!/bin/bash
# Builds gox as one static file for Linux, and packs it: release/build.sh [--out DIR] TARGET...
#
#     release/build.sh x86_64-unknown-linux-musl aarch64-unknown-linux-musl
#
# Needs Linux, Rust, Python 3 with venv, a C compiler for build scripts, and a package index for cargo and pip. The
# linker and musl itself are those of ziglang, which pip gets into a folder of its own. The standard library is
# rustup's where rustup has it or can get it; elsewhere it is built from the source that belongs to a Rust of this
# machine (rustup's component rust-src, or Debian's rust-web-src with rustc-web and cargo-web); always so where
# GOX_RELEASE_FROM_SOURCE is set.
#
# Two builds of the same commit with the same Rust give the same bytes, whatever folder they are made in: no path of
# this machine and no time stands in them.
#
# In DIR (target/dist) there are afterwards, for each target: gox-VERSION-TARGET.tar.gz with its .sha256, the bare
# program gox-TARGET with its .sha256, gox-VERSION-TARGET.cdx.json (what it is made of, CycloneDX); and SHA256SUMS.
set -euo pipefail
unset CDPATH
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"

zigbuild=0.24.1
ziglang=0.17.1
out=$root/target/dist
packing=$root/target/static/packing
targets=()

fail() {
	printf 'build.sh: %s\n' "$*" >&2
	exit 1
}

while [ $# -gt 0 ]; do
	case $1 in
		--out)
			[ -n "${2-}" ] || fail "--out needs a folder"
			mkdir -p "$2"
			out=$(cd "$2" && pwd)
			shift ;;
		x86_64-unknown-linux-musl | aarch64-unknown-linux-musl) targets+=("$1") ;;
		*) fail "unknown argument '$1': x86_64-unknown-linux-musl and aarch64-unknown-linux-musl are built here" ;;
	esac
	shift
done
[ ${#targets[@]} -gt 0 ] || fail "usage: release/build.sh [--out DIR] TARGET..."

case $(uname -s) in Linux) ;; *) fail "static files are built on Linux" ;; esac
command -v cc >/dev/null || fail "a C compiler named cc is missing: build scripts are linked with it"
python3 -c 'import venv, ensurepip' 2>/dev/null || fail "Python 3 with venv is missing (Debian: python3-venv)"

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
# The time that all files in an archive have: the commit's. SOURCE_DATE_EPOCH is the custom for saying another.
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH

# Sets $tools to the folder of the programs that link.
get_tools() {
	local dir=$root/target/tools/zigbuild-$zigbuild-$ziglang
	if [ ! -e "$dir/whole" ]; then
		rm -rf "$dir"
		python3 -m venv "$dir"
		"$dir/bin/python" -m pip install --quiet --disable-pip-version-check \
			"cargo-zigbuild==$zigbuild" "ziglang==$ziglang"
		: >"$dir/whole"
	fi
	tools=$dir/bin
}

# Sets $cargo and $rustc, and $from_source to what makes cargo build the standard library too.
find_rust() {
	local target=$1 candidate
	from_source=()
	cargo=$(command -v cargo || :)
	rustc=$(command -v rustc || :)
	if [ -z "${GOX_RELEASE_FROM_SOURCE-}" ] && [ -n "$rustc" ]; then
		[ ! -d "$("$rustc" --print sysroot)/lib/rustlib/$target/lib" ] || return 0
		# The limit is for networks where what rustup asks never answers.
		if command -v rustup >/dev/null && timeout 300 rustup target add "$target" >&2; then return; fi
	fi
	for candidate in "$rustc" /usr/bin/rustc; do
		[ -x "$candidate" ] || continue
		[ -f "$("$candidate" --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ] || continue
		rustc=$candidate
		cargo=${candidate%rustc}cargo
		[ -x "$cargo" ] || continue
		from_source=("-Zbuild-std=std,panic_abort")
		return
	done
	fail "no standard library for $target: rustup cannot get it, and no Rust here has the library's source
(rustup component add rust-src; or Debian's packages rust-web-src, rustc-web and cargo-web)"
}

# Sets $flags to what rustc is told. zig has the start files and musl. The program stands at a fixed address, as go's
# own does: it is 5% smaller, and nothing has to be relocated before its first step.
# What paths are called is settled here, so that they are the same on every machine.
find_flags() {
	local sysroot cargo_home
	sysroot=$("$rustc" --print sysroot)
	cargo_home=${CARGO_HOME:-$HOME/.cargo}
	flags=(-Clink-self-contained=no -Crelocation-model=static
		"--remap-path-prefix=$root=/gox" "--remap-path-prefix=$cargo_home=/cargo"
		"--remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rust")
	# The allocator would say when it was compiled.
	c_flags="'-ffile-prefix-map=$root=/gox' '-ffile-prefix-map=$cargo_home=/cargo'"
	c_flags+=" -Wno-builtin-macro-redefined '-D__DATE__=\"\"' '-D__TIME__=\"\"'"
}

build() {
	local target=$1
	find_rust "$target"
	find_flags
	printf 'build.sh: %s, %s%s\n' "$target" "$("$rustc" --version)" \
		"${from_source[0]:+, standard library from its source}" >&2
	# RUSTC_BOOTSTRAP lets a stable compiler take -Zbuild-std.
	env -u CARGO_BUILD_TARGET -u RUSTFLAGS PATH="$tools:$PATH" CARGO="$cargo" RUSTC="$rustc" \
		CARGO_ENCODED_RUSTFLAGS="$(IFS=$'\x1f' && printf '%s' "${flags[*]}")" \
		"CFLAGS_${target//-/_}=$c_flags" CC_SHELL_ESCAPED_FLAGS=1 ${from_source[0]:+RUSTC_BOOTSTRAP=1} CARGO_INCREMENTAL=0 \
		"$tools/cargo-zigbuild" zigbuild --release --locked --bin gox --target-dir "$root/target/static" \
		--target "$target" ${from_source[@]+"${from_source[@]}"}
	program=$root/target/static/$target/release/gox
	check "$program" "$target"
}

# A program that is not what it should be is packed by nobody.
check() {
	local kind most size crates
	kind=$(python3 release/elf.py "$1")
	[ "$kind" = "${2%%-*} static" ] || fail "$1 is $kind"
	most=$(sed -n "s/^$2 = //p" release/budget.toml)
	size=$(wc -c <"$1")
	[ "$size" -le "${most//_/}" ] || fail "$1 has $size bytes, more than release/budget.toml allows ($most)"
	crates=$(CARGO=$cargo python3 release/dependencies.py "$2" | tail -n 1)
	most=$(sed -n "s/^crates = //p" release/budget.toml)
	[ "${crates% crates}" -le "$most" ] || fail "$crates, more than release/budget.toml allows ($most)"
	if grep -aqF -e "$root" -e "${CARGO_HOME:-$HOME/.cargo}" "$1"; then fail "$1 names a folder of this machine"; fi
}

sum() { (cd "$(dirname "$1")" && sha256sum "$(basename "$1")" >"$(basename "$1").sha256"); }

# Packs $program with what belongs to it.
pack() {
	local target=$1 name=gox-$version-$1 dir
	dir=$packing/$name
	rm -rf "$dir"
	mkdir -p "$dir/completions" "$out"
	install -m 755 "$program" "$dir/gox"
	install -m 755 "$program" "$out/gox-$target"
	install -m 644 README.md README.zh-CN.md SECURITY.md CHANGELOG.md LICENSE "$dir"
	CARGO=$cargo python3 release/dependencies.py "$target" --licences "$dir/LICENSES-OF-DEPENDENCIES.txt" \
		--bom "$out/$name.cdx.json"
	if runnable "$target"; then
		local shell
		for shell in bash zsh fish; do "$dir/gox" completions "$shell" >"$dir/completions/gox.$shell"; done
		python3 release/man.py "$dir/gox" >"$dir/gox.1"
	else
		# The same for all targets; this machine runs the one of its own kind alone.
		local own
		own=$packing/gox-$version-$(uname -m)-unknown-linux-musl
		[ -e "$own/gox.1" ] || fail "build for this machine too: its program tells the manual page and the completions"
		cp "$own/completions/"* "$dir/completions"
		cp "$own/gox.1" "$dir"
	fi
	find "$dir" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	tar -C "$packing" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mode=go-w,u+w -cf - "$name" |
		gzip -n -9 >"$out/$name.tar.gz"
	sum "$out/$name.tar.gz"
	sum "$out/gox-$target"
}

runnable() { [ "${1%%-*}" = "$(uname -m)" ]; }

get_tools
# This machine's own first: its program tells the completions.
# shellcheck disable=SC2046 # one word a line
for target in $(printf '%s\n' "${targets[@]}" | sort -u | awk -v own="$(uname -m)" \
	'index($0, own) == 1 { print; next } { rest = rest $0 "\n" } END { printf "%s", rest }'); do
	build "$target"
	pack "$target"
done
(cd "$out" && sha256sum gox-*.tar.gz gox-*-musl gox-*.cdx.json | LC_ALL=C sort -k 2 >SHA256SUMS && cat SHA256SUMS)
