#!/bin/sh
# Installs gox, shows what it does (--try), and takes itself back (--uninstall).
#
# Everything happens in functions that the last line calls, so that a script cut off in the middle
# of a download does nothing at all.

set -eu
unset CDPATH
# Nothing that is made here is for others to write, whatever the user's mask is.
umask "$(printf '%04o' "$(($(umask) | 022))")"

usage() {
    cat <<'END'
usage: sh install.sh [--to DIR] [--from-release URL] [--alias] [--shim DIR] [--mirrors=cn]
       sh install.sh --try
       sh install.sh --uninstall

Builds gox with cargo from this checkout and installs it to ~/.local/bin.

  --to DIR            install to DIR
  --from-release URL  download gox (the program itself, or a .tar.gz that holds it) instead of
                      building it; URL.sha256 must hold its checksum. Of a URL that ends in / the
                      file gox-MACHINE-unknown-linux-musl is taken
  --alias             let "go" mean gox in new shells, while gox is there: one line in the start
                      file of your shell
  --shim DIR          put a link named go, which leads to gox, into DIR
  --mirrors=cn        consent to goproxy.cn and mirrors.aliyun.com, asked last and for public modules
                      alone: one line in gox.toml of yours
  --try               install nothing: build gox, and show plain go failing and gox succeeding
                      behind a misbehaving module proxy on this machine
  --uninstall         take back exactly what this script did
END
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

tab=$(printf '\t')
newline='
'
demonstration_go=1.27.3
# What earlier ones of this script wrote, and how the line of today ends.
alias_line='alias go=gox # added by the install.sh of gox'
mirrors_line='mirrors = ["https://goproxy.cn", "https://mirrors.aliyun.com/goproxy"] # added by the install.sh of gox'
scratch=
half_done=
lock=
proxy_id=
silent_id=

# Ends what --try started and removes what was only for the meantime.
clean_up() {
    status=$?
    trap - EXIT HUP INT TERM
    [ -z "$half_done" ] || rm -f "$half_done"
    unlock
    for id in $proxy_id $silent_id; do
        kill "$id" 2>/dev/null || :
        wait "$id" 2>/dev/null || :
    done
    if [ -n "$scratch" ]; then
        # go makes its module cache read-only.
        chmod -R u+w "$scratch" 2>/dev/null || :
        rm -rf "$scratch"
    fi
    exit "$status"
}

make_scratch() {
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/gox-install.XXXXXX")
}

# --- paths -------------------------------------------------------------------------------------

# Sets $absolute.
make_absolute() {
    case $1 in
        '') fail "a folder is missing" ;;
        *"$newline"* | *"$tab"*) fail "a path with a tab or newline is not supported" ;;
        /*) absolute=$1 ;;
        *)
            # The dot keeps a newline at the end of the folder's name.
            here=$(pwd && echo .)
            make_absolute "${here%"$newline".}/$1" ;;
    esac
    while [ "$absolute" != / ] && [ "${absolute%/}" != "$absolute" ]; do absolute=${absolute%/}; done
}

# Prints the folder, or the nearest above it that is there.
nearest() {
    dir=$1
    while [ ! -e "$dir" ]; do
        dir=${dir%/*}
        [ -n "$dir" ] || dir=/
    done
    printf '%s\n' "$dir"
}

# Refuses a folder that cannot be written, or made; the second argument says what to do then.
check_writable() {
    dir=$(nearest "$1")
    [ -d "$dir" ] || fail "$dir is no folder: $2"
    [ -w "$dir" ] || fail "no permission to write in $dir: $2"
}

# Sets $root to the checkout that this script lies in, or to nothing.
find_checkout() {
    root=
    case $0 in */*) root=$(cd "${0%/*}" && pwd) ;; *) [ ! -f "$0" ] || root=$(pwd) ;; esac
    if [ -n "$root" ] && ! grep -q '^name = "gox"$' "$root/Cargo.toml" 2>/dev/null; then root=; fi
}

# Sets $start_file to the file that the user's shell reads when it starts.
find_start_file() {
    shell=${SHELL:-}
    [ -n "${HOME:-}" ] || fail "HOME is not set"
    case ${shell##*/} in
        bash)
            # A terminal on macOS starts login shells, which read no .bashrc.
            if [ "$(uname -s)" = Darwin ]; then start_file=$HOME/.bash_profile; else start_file=$HOME/.bashrc; fi ;;
        zsh) start_file=${ZDOTDIR:-$HOME}/.zshrc ;;
        fish) start_file=${XDG_CONFIG_HOME:-$HOME/.config}/fish/config.fish ;;
        *) fail "--alias knows bash, zsh and fish, not '${shell##*/}' (\$SHELL); add this by hand: alias go=gox" ;;
    esac
    make_absolute "$start_file"
    start_file=$absolute
    [ -e "$start_file" ] || [ ! -L "$start_file" ] || fail "$start_file is a link to nothing: mend it first"
}

on_path() {
    case :${PATH:-}: in *:"$1":*) return 0 ;; *) return 1 ;; esac
}

# --- the manifest: one line for each thing done, its kind first ----------------------------------
#
# Each line is written before the thing is done: whatever goes wrong in between, --uninstall knows. A program
# has two lines while a newer one takes its place, each with its fingerprint. The manifest is only ever
# replaced as a whole, by whoever holds the lock beside it.

find_manifest() {
    [ -n "${HOME:-}" ] || fail "HOME is not set"
    make_absolute "${XDG_DATA_HOME:-$HOME/.local/share}/gox"
    manifest_dir=$absolute
    manifest=$manifest_dir/installed
    unwritten=
}

# Waits until no other run of this script is at work, for a minute at most. The lock is a link that names the
# process: made in one step, and never by two.
take_lock() {
    waited=0
    until ln -s "$$" "$manifest_dir/lock" 2>/dev/null; do
        holder=$(readlink "$manifest_dir/lock" || :)
        if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null && [ ! -e "/proc/$holder" ]; then
            # Its process was killed. Of several that see that, one takes the lock away.
            if mkdir "$manifest_dir/lock.dead" 2>/dev/null; then
                [ "$(readlink "$manifest_dir/lock" || :)" != "$holder" ] || rm -f "$manifest_dir/lock"
                rmdir "$manifest_dir/lock.dead"
            fi
        fi
        waited=$((waited + 1))
        [ "$waited" -le 60 ] ||
            fail "another install.sh (process ${holder:-unknown}) is at work; if none is, remove $manifest_dir/lock"
        sleep 1
    done
    lock=$manifest_dir/lock
}

unlock() {
    [ -z "$lock" ] || rm -f "$lock"
    lock=
}

# Makes an empty file anew, to be moved to where it belongs when it is whole. Its name is always the same: what
# a killed run left is taken away by the next, and by --uninstall.
begin() {
    rm -f "$1"
    # Not through a link that somebody made in the meantime.
    (set -C && : >"$1") || fail "cannot make $1"
    half_done=$1
}

# Replaces the manifest by what awk makes of it, in one step; without one, of nothing.
edit_manifest() {
    begin "$manifest.new"
    if [ -f "$manifest" ]; then
        awk -F "$tab" "$1" "$manifest" >"$half_done"
    else
        awk -F "$tab" "$1" </dev/null >"$half_done"
    fi
    mv -f "$half_done" "$manifest"
    half_done=
}

# Notes lines that are not there yet. Those from before the lock is held are kept until it is.
note() {
    if [ -z "$lock" ]; then
        unwritten=$unwritten$1$newline
        return
    fi
    lines=$1
    export lines
    # shellcheck disable=SC2016 # the dollar is awk's
    edit_manifest '{ print; seen[$0] } END {
        n = split(ENVIRON["lines"], line, "\n")
        for (i = 1; i <= n; i++) if (line[i] != "" && !(line[i] in seen)) print line[i]
    }'
}

# True where the manifest has a line of this kind for this path, and with this in the third place if given.
is_noted() {
    [ -f "$manifest" ] && kind=$1 path=$2 more=${3-} any=${3-yes} awk -F "$tab" \
        '$1 == ENVIRON["kind"] && $2 == ENVIRON["path"] && (ENVIRON["any"] == "yes" || $3 == ENVIRON["more"]) {
            found = 1
        } END { exit !found }' "$manifest"
}

# Makes a folder and those above it, noting each that was not there.
make_dir() {
    [ ! -d "$1" ] || return 0
    case $1 in /*/*) make_dir "${1%/*}" ;; esac
    note "dir$tab$1"
    # Another run may have been quicker.
    mkdir "$1" 2>/dev/null || [ -d "$1" ] || fail "cannot make the folder $1"
}

# From here on the manifest is this run's.
open_manifest() {
    make_dir "$manifest_dir"
    # What it lists is removed one day: nobody else may write there.
    chmod 700 "$manifest_dir"
    take_lock
    # All at once: the folders are there already.
    note "$unwritten"
    unwritten=
}

# --- getting the program: each sets $program -----------------------------------------------------

is_here() { command -v "$1" >/dev/null 2>&1; }

sha256_of() {
    if is_here sha256sum; then
        sha256sum <"$1" | cut -d' ' -f1
    elif is_here shasum; then
        shasum -a 256 <"$1" | cut -d' ' -f1
    elif is_here openssl; then
        openssl dgst -sha256 <"$1" | sed 's/.*[ =]//'
    else
        fail "none of sha256sum, shasum and openssl is here to check a download with"
    fi
}

# Tells a program that this script installed from another; cksum is a part of POSIX.
fingerprint() {
    if is_here sha256sum || is_here shasum || is_here openssl; then sha256_of "$1"; else cksum <"$1"; fi
}

# Refuses at once what would end a build minutes later; the argument is its folder.
check_builder() {
    need=$(sed -n 's/^rust-version = "1\.\([0-9]*\).*/\1/p' "$root/Cargo.toml")
    have=$(cd "$root" && cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p') || :
    [ -z "$need" ] || [ -z "$have" ] || [ "$have" -ge "$need" ] ||
        fail "Rust 1.$have is here and gox needs 1.$need: update it (rustup update), or use --from-release URL"
    [ -n "${CC:-}" ] || is_here cc || is_here gcc || is_here clang ||
        fail "a C compiler is missing, which building needs (Debian: apt-get install gcc libc6-dev)"
    check_writable "$1" "set CARGO_TARGET_DIR to another folder"
    free=$(df -Pk "$(nearest "$1")" 2>/dev/null | awk 'NR == 2 { print $4 }') || :
    case $free in
        '' | *[!0-9]*) ;;
        *) [ "$free" -ge 600000 ] ||
            fail "$1 has $((free / 1024)) MB left and a build needs 600: set CARGO_TARGET_DIR to another folder" ;;
    esac
}

# Builds what is named in the remaining arguments; sets $built to the folder it is in.
build() {
    [ -n "$root" ] || fail "this script is not in a checkout of gox: run it from one, or use --from-release URL"
    is_here cargo || [ ! -x "${HOME:-}/.cargo/bin/cargo" ] || PATH=$PATH:$HOME/.cargo/bin
    is_here cargo ||
        fail "cargo is not here: install Rust first (https://rustup.rs or your system's packages), or use \
--from-release URL, which needs none"
    make_absolute "${CARGO_TARGET_DIR:-$root/target}"
    check_builder "$absolute"
    say "Building takes two to four minutes on two cores; a build that is there already is used again."
    # Another target than this machine's would not run here.
    (unset CARGO_BUILD_TARGET && cd "$root" && cargo build --release --locked --target-dir "$absolute" "$@") ||
        fail "the build failed"
    built=$absolute/release
}

# Copies what is at a URL to a file.
fetch() {
    case $1 in
        file://*) cp "${1#file://}" "$2" || fail "cannot read $1" ;;
        *)
            # wget cannot be told to stay with https where it is redirected.
            is_here curl || fail "curl is not here to download with: install it, or get $1 and its .sha256 in \
another way and use --from-release file://FILE"
            case $1 in
                https:*) curl -fsSL --proto =https --retry 3 -o "$2" "$1" ;;
                # This machine, which sends nobody elsewhere.
                *) curl -fsS --proto =http --retry 3 -o "$2" "$1" ;;
            esac || fail "cannot download $1" ;;
    esac
}

download() {
    fetch "$1" "$scratch/download"
    fetch "$1.sha256" "$scratch/download.sha256"
    want=
    read -r want _ <"$scratch/download.sha256" || :
    want=$(printf '%s' "$want" | tr 'A-F' 'a-f')
    case $want in
        *[!0-9a-f]* | '') fail "$1.sha256 holds no checksum" ;;
    esac
    got=$(sha256_of "$scratch/download")
    [ "$got" = "$want" ] || fail "checksum of $1 is wrong, nothing was installed
  expected: $want
  got:      $got"
    program=$scratch/gox
    case $1 in
        *.tar.gz | *.tgz)
            member=$(tar -tzf "$scratch/download" 2>/dev/null | grep -E '^([^/]+/)*gox$' | head -n 1)
            [ -n "$member" ] || fail "$1 holds no gox"
            tar -xzOf "$scratch/download" "$member" >"$program" || fail "$1 is damaged, nothing was installed" ;;
        *) mv "$scratch/download" "$program" ;;
    esac
    chmod 755 "$program"
}

# --- installing ----------------------------------------------------------------------------------

# Sets $release to the file of this machine where it is a folder of releases.
choose_release() {
    case $release in
        */) ;;
        *) return 0 ;;
    esac
    case $(uname -sm) in
        "Linux x86_64" | "Linux amd64") release=${release}gox-x86_64-unknown-linux-musl ;;
        "Linux aarch64" | "Linux arm64") release=${release}gox-aarch64-unknown-linux-musl ;;
        *) fail "there are releases for Linux on x86_64 and aarch64, and none for $(uname -sm): build gox from a checkout" ;;
    esac
}

# True where what a folder holds may be run.
runs_programs() {
    printf '#!/bin/sh\n' >"$1/runs"
    chmod 755 "$1/runs"
    "$1/runs" 2>/dev/null
}

# Refuses what would destroy something of somebody else's, before anything is done.
check_places() {
    check_writable "$to" "choose --to DIR"
    if [ -e "$to/gox" ] || [ -L "$to/gox" ]; then
        is_noted binary "$to/gox" ||
            fail "$to/gox is there already and was not installed by this script: remove it, or choose --to DIR"
        { [ -f "$to/gox" ] && [ ! -L "$to/gox" ] && is_noted binary "$to/gox" "$(fingerprint "$to/gox")"; } ||
            fail "$to/gox has changed since this script installed it: remove it, or choose --to DIR"
    fi
    if [ -n "$shim" ] && { [ -e "$shim/go" ] || [ -L "$shim/go" ]; }; then
        [ "$(readlink "$shim/go" 2>/dev/null)" = "$to/gox" ] ||
            fail "$shim/go is there already and is no link to $to/gox: choose another folder for --shim"
    fi
}

announce() {
    say "This will:"
    if [ -n "$release" ]; then
        say "  - download $release and check it against $release.sha256"
    else
        say "  - build gox with cargo in ${root:-this checkout}"
    fi
    say "  - install it as $to/gox"
    [ -z "$add_alias" ] || say "  - add to $start_file, once: alias go=gox"
    [ -z "$mirrors" ] || say "  - add to $config_file that gox may ask goproxy.cn and mirrors.aliyun.com"
    [ -z "$shim" ] || say "  - make the link $shim/go -> $to/gox"
    say "  - note what was done in $manifest, for --uninstall"
}

install_program() {
    make_dir "$to"
    mark=$(fingerprint "$program")
    note "binary$tab$to/gox$tab$mark"
    # A new file that takes the old one's place: a gox that runs meanwhile is not disturbed.
    begin "$to/.gox.new"
    cp "$program" "$half_done"
    chmod 755 "$half_done"
    "$half_done" --version >/dev/null 2>&1 ||
        fail "programs cannot be run from $to (a folder mounted noexec?), gox was not installed: choose --to DIR"
    mv -f "$half_done" "$to/gox"
    half_done=
    # The line of the one that was there before.
    path=$to/gox
    export path mark
    # shellcheck disable=SC2016 # the dollars are awk's
    edit_manifest '$1 != "binary" || $2 != ENVIRON["path"] || $3 == ENVIRON["mark"]'
    say "installed $to/gox"
}

install_alias() {
    if grep -q -e '^[[:space:]]*alias go=gox\([[:space:]]\|$\)' -e "^! test -x .* || $alias_line\$" \
        "$start_file" 2>/dev/null; then
        say "$start_file has the alias already"
        return
    fi
    before=whole
    if [ ! -e "$start_file" ]; then
        make_dir "${start_file%/*}"
        before=absent
    elif [ -s "$start_file" ] && [ -n "$(tail -c 1 "$start_file")" ]; then
        before=unended
    fi
    # Without a gox go stays go. bash, zsh and fish read it alike, whether or not PATH is whole by then; a quote in
    # the path ends the quoted part, stands for itself, and begins another.
    line="! test -x '$(printf '%s' "$to/gox" | sed "s/'/'\\\\''/g")' || $alias_line"
    note "alias$tab$start_file$tab$before$tab$line"
    # At once: one that is killed leaves all of it or nothing.
    case $before in
        unended) printf '\n%s\n' "$line" >>"$start_file" ;;
        *) printf '%s\n' "$line" >>"$start_file" ;;
    esac
    say "added the alias to $start_file; new shells have it"
}

# Sets $config_file to the user's gox.toml.
find_config_file() {
    make_absolute "${XDG_CONFIG_HOME:-$HOME/.config}/gox/gox.toml"
    config_file=$absolute
    [ -e "$config_file" ] || [ ! -L "$config_file" ] || fail "$config_file is a link to nothing: mend it first"
}

install_mirrors() {
    if grep -q '^[[:space:]]*"\{0,1\}mirrors"\{0,1\}[[:space:]]*=' "$config_file" 2>/dev/null; then
        say "$config_file says already what mirrors are asked, and is left as it is"
        return
    fi
    before=whole
    [ -e "$config_file" ] || before=absent
    make_dir "${config_file%/*}"
    note "mirrors$tab$config_file$tab$before"
    # First: below a table it would be a part of it.
    printf '%s\n' "$mirrors_line" >"$scratch/whole"
    if [ "$before" = absent ]; then
        begin "$config_file.gox-new"
        cp "$scratch/whole" "$half_done"
        mv -f "$half_done" "$config_file"
        half_done=
    else
        cat "$config_file" >>"$scratch/whole"
        replace "$config_file"
    fi
    say "gox may ask goproxy.cn and mirrors.aliyun.com: see $config_file"
}

install_shim() {
    make_dir "$shim"
    if [ ! -L "$shim/go" ]; then
        note "shim$tab$shim/go$tab$to/gox"
        ln -s "$to/gox" "$shim/go"
    fi
    say "linked $shim/go"
    on_path "$shim" || say "put it first on PATH: export PATH=\"$shim:\$PATH\""
}

install_all() {
    find_manifest
    make_absolute "${to:-$HOME/.local/bin}"
    to=$absolute
    if [ -n "$shim" ]; then
        make_absolute "$shim"
        shim=$absolute
    fi
    [ -z "$add_alias" ] || find_start_file
    [ -z "$mirrors" ] || find_config_file
    if [ -n "$release" ]; then
        # The checksum comes from the same place as the program: the way there must be safe.
        case $release in
            https://* | file:///* | http://127.0.0.1[:/]* | http://localhost[:/]*) ;;
            *) fail "--from-release takes an https:// URL" ;;
        esac
        choose_release
    fi
    check_places
    announce
    make_scratch
    if [ -n "$release" ]; then
        download "$release"
        source="the download"
    else
        build --bin gox
        program=$built/gox
        source="the build"
    fi
    runs_programs "$scratch" ||
        fail "programs cannot be run from ${TMPDIR:-/tmp} (mounted noexec?): set TMPDIR to another folder"
    case $("$program" --version 2>/dev/null || :) in
        "gox "*) ;;
        *) fail "$source does not run as gox on this machine ($(uname -sm)), nothing was installed" ;;
    esac
    open_manifest
    # Another run may have come in between.
    check_places
    install_program
    [ -z "$add_alias" ] || install_alias
    [ -z "$mirrors" ] || install_mirrors
    [ -z "$shim" ] || install_shim
    on_path "$to" || say "put it on PATH: export PATH=\"$to:\$PATH\""
}

# --- taking back ---------------------------------------------------------------------------------

# Puts $scratch/whole in the place of a file, in one step; it keeps its owner and mode, and a link stays one.
replace() {
    target=$1
    while [ -L "$target" ]; do
        next=$(readlink "$target")
        case $next in /*) target=$next ;; *) target=${target%/*}/$next ;; esac
    done
    begin "$target.gox-new"
    cp -p "$target" "$half_done"
    cat "$scratch/whole" >"$half_done"
    mv -f "$half_done" "$target"
    half_done=
}

# Takes a line of ours out of a file, of which it is noted how it was before; $4 is what it is called.
remove_line() {
    file=$1 line=$3
    export line
    if ! grep -qxF -e "$line" "$file" 2>/dev/null; then
        say "$file has the $4 no more"
        return
    fi
    # A newline too many is left where ours was put after a line without one, and where awk ends
    # such a line.
    too_many=
    if [ -n "$(tail -c 1 "$file")" ]; then
        too_many=yes
    elif [ "$2" = unended ] && [ "$(tail -n 1 "$file")" = "$line" ]; then
        too_many=yes
    fi
    # The first line of ours only: a copy made since is the user's.
    # shellcheck disable=SC2016 # the dollar is awk's
    awk '$0 == ENVIRON["line"] && !done { done = 1; next } { print }' "$file" >"$scratch/start_file"
    if [ "$2" = absent ] && [ ! -s "$scratch/start_file" ]; then
        rm -f "$file"
    elif [ -n "$too_many" ]; then
        size=$(wc -c <"$scratch/start_file")
        dd if="$scratch/start_file" of="$scratch/whole" bs=1 count=$((size - 1)) 2>/dev/null
        replace "$file"
    else
        cat "$scratch/start_file" >"$scratch/whole"
        replace "$file"
    fi
    say "took the $4 out of $file"
}

uninstall() {
    find_manifest
    [ -f "$manifest" ] || fail "nothing to take back: $manifest is not there"
    make_scratch
    take_lock
    [ -f "$manifest" ] || fail "nothing to take back: another install.sh has done it"
    say "This will take back what $manifest lists:"
    sed "s/^/  - /; s/$tab/ /; s/$tab.*//" "$manifest" | awk '!seen[$0]++'
    # The last thing done is the first to be taken back.
    sed '1!G;h;$!d' "$manifest" >"$scratch/reversed"
    seen=
    while IFS=$tab read -r kind path more; do
        case $kind in
            binary)
                # An upgrade that was stopped left two lines.
                [ "$path" != "$seen" ] || continue
                seen=$path
                rm -f "${path%/*}/.gox.new"
                if [ ! -e "$path" ] && [ ! -L "$path" ]; then
                    say "$path is gone already"
                elif [ -f "$path" ] && [ ! -L "$path" ] && is_noted binary "$path" "$(fingerprint "$path")"; then
                    rm -f "$path"
                    say "removed $path"
                else
                    say "$path has changed since and is left alone"
                fi ;;
            shim)
                if [ -L "$path" ] && [ "$(readlink "$path")" = "$more" ]; then
                    rm -f "$path"
                    say "removed $path"
                else
                    say "$path is no link of this script's any more and is left alone"
                fi ;;
            alias)
                case $more in
                    *"$tab"*) remove_line "$path" "${more%%"$tab"*}" "${more#*"$tab"}" alias ;;
                    *) remove_line "$path" "$more" "$alias_line" alias ;;
                esac ;;
            mirrors)
                rm -f "$path.gox-new"
                remove_line "$path" "$more" "$mirrors_line" mirrors ;;
        esac
    done <"$scratch/reversed"
    # The manifest goes when all is done, and before the folder that holds it.
    rm -f "$manifest" "$manifest.new"
    unlock
    # What lies in another comes before it, whoever made it first. Folders that hold something else by now stay.
    sed -n "s/^dir$tab//p" "$scratch/reversed" | LC_ALL=C sort -r | while IFS= read -r path; do
        rmdir "$path" 2>/dev/null || :
    done
    tell_what_is_left
}

# What gox made or the user wrote is not this script's to remove.
tell_what_is_left() {
    left=
    for path in "${GOX_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/gox}" \
        "${XDG_CONFIG_HOME:-$HOME/.config}/gox/gox.toml"; do
        [ ! -e "$path" ] || left="$left  - $path$newline"
    done
    # Links that gox itself made (gox shim install) lead to nothing now.
    IFS=:
    for path in ${PATH:-}; do
        [ ! -L "$path/go" ] || [ -e "$path/go" ] ||
            case $(readlink "$path/go") in */gox) left="$left  - $path/go, which leads to the gox that was removed$newline" ;; esac
    done
    unset IFS
    [ -z "$left" ] || say "Left, and yours to remove:$newline${left%"$newline"}"
}

# --- the demonstration ---------------------------------------------------------------------------

# Sets $go to a go command, downloading one into the scratch folder where there is none.
find_go() {
    go=$(command -v go || :)
    if [ -z "$go" ] && [ -x /usr/local/go/bin/go ]; then go=/usr/local/go/bin/go; fi
    # The demonstration's modules are for go 1.21 and later.
    case $([ -z "$go" ] || GOTOOLCHAIN=local "$go" version 2>/dev/null || :) in
        *" go1."[0-9].* | *" go1.1"[0-9]* | *" go1.20"* | '') go= ;;
    esac
    if [ -z "$go" ]; then
        say "no go (1.21 or later) here: getting one for the demonstration"
        go=$(GOX_TEST_GO_DIR=$scratch/go sh "$root/tests/go-releases.sh" "$demonstration_go") ||
            fail "cannot get go $demonstration_go"
    fi
}

# Becomes a command in the project with nothing of the user's: settings, caches, configuration. The first argument
# names the module cache.
become() {
    cd "$scratch/project" || exit 1
    # shellcheck disable=SC2046 # several words
    unset GOFLAGS GOPRIVATE GONOPROXY GONOSUMDB GOMODCACHE GOWORK \
        $(env | sed -n 's/^\(GOX_[A-Z_]*\)=.*/\1/p')
    GOX_CONFIG=none GOX_STATE_DIR=$scratch/state GOX_REPORT=$scratch/report GOENV=off \
        GOTOOLCHAIN=local GOTELEMETRY=off GOSUMDB=off GOPROXY=$goproxy HOME=$scratch/home GOPATH=$scratch/$1 GOCACHE=$scratch/build \
        PATH=${go%/*}:$PATH
    export GOX_CONFIG GOX_STATE_DIR GOX_REPORT GOENV GOTOOLCHAIN GOTELEMETRY GOSUMDB GOPROXY \
        HOME GOPATH GOCACHE PATH
    # The go on PATH may be a link to a gox installed before.
    case $1 in
        plain*)
            GOX_BYPASS=1
            export GOX_BYPASS ;;
    esac
    shift
    exec "$@"
}

in_project() { (become "$@"); }

# The time in whole seconds; POSIX has no other way that all systems share.
now() { awk 'BEGIN { srand(); print srand() }'; }

stop_proxy() {
    [ -n "$proxy_id" ] || return 0
    kill "$proxy_id" 2>/dev/null || :
    wait "$proxy_id" 2>/dev/null || :
    proxy_id=
    exec 3<&-
    rm -f "$scratch/said"
}

# Starts the misbehaving proxy with these arguments, and a project that needs all of its modules; sets $goproxy.
start_proxy() {
    stop_proxy
    rm -rf "$scratch/project"
    mkdir "$scratch/project"
    mkfifo "$scratch/said"
    "$built/examples/bad_proxy" --project "$scratch/project" --seconds 120 --seed "$seed" "$@" >"$scratch/said" &
    proxy_id=$!
    # Kept open: the proxy may say more than the one line.
    exec 3<"$scratch/said"
    read -r goproxy <&3 || fail "the misbehaving proxy did not start"
}

# Runs a command in the project and says how it ended; sets $status and $seconds.
show() {
    say ""
    say "\$ ${2##*/} mod download"
    began=$(now)
    status=0
    in_project "$1" "$2" mod download || status=$?
    seconds=$(($(now) - began))
    say "(exit status $status, $seconds s)"
}

# What many scripts do; its words are go's, five times.
show_loop() {
    say ""
    say "\$ for i in 1 2 3 4 5; do go mod download && break; done"
    began=$(now)
    for i in 1 2 3 4 5; do
        status=0
        in_project plain-loop "$go" mod download >/dev/null 2>&1 || status=$?
        [ "$status" -ne 0 ] || break
    done
    say "(go $i times, the last with exit status $status, $(($(now) - began)) s)"
}

# Plain go where a connection falls silent: it says nothing and never ends.
show_silence() {
    say ""
    say "\$ go mod download"
    become plain-silent "$go" mod download &
    silent_id=$!
    waited=0
    while kill -0 "$silent_id" 2>/dev/null && [ "$waited" -lt 10 ]; do
        sleep 1
        waited=$((waited + 1))
    done
    if kill "$silent_id" 2>/dev/null; then
        say "(nothing for $waited s, and so it would be for ever: ended)"
    else
        say "(ended by itself)"
    fi
    wait "$silent_id" 2>/dev/null || :
    silent_id=
}

demonstrate() {
    find_checkout
    say "This will build gox and a misbehaving module proxy in ${root:-a checkout}, run go and gox against it,"
    say "and install nothing: all else happens in a temporary folder that is removed at the end."
    make_scratch
    build --bin gox --example bad_proxy
    find_go
    mkdir "$scratch/home"
    seed=${GOX_TRY_SEED:-$(awk 'BEGIN { srand(); print int(rand() * 1000000) }')}

    say ""
    say "1. One request in five is spoiled (GOX_TRY_SEED=$seed spoils the same ones again)."
    start_proxy --fault network --rate 0.2
    show plain "$go"
    [ "$status" -ne 0 ] || fail "plain go got through: the proxy did not misbehave"
    start_proxy --fault network --rate 0.2
    show_loop
    start_proxy --fault network --rate 0.2
    show helped "$built/gox"
    [ "$status" -eq 0 ] || fail "gox did not get through"
    cured=''
    [ ! -f "$scratch/report" ] || cured=$(sed -n 's/.*"cured":\([0-9]*\).*/\1/p' "$scratch/report")
    [ -z "$cured" ] || say "($cured files came only after a fault, and go saw none of them)"

    say ""
    say "2. The first request for one of the files is never answered."
    start_proxy --fault silence --first 1 --path 'm007.*[.]zip$'
    show_silence
    start_proxy --fault silence --first 1 --path 'm007.*[.]zip$'
    show helped-silent "$built/gox"
    [ "$status" -eq 0 ] || fail "gox did not get through"

    say ""
    say "3. Nothing is wrong, and the proxy is far away: each answer takes 0.15 s."
    start_proxy --fault none --latency 150
    show plain-far "$go"
    start_proxy --fault none --latency 150
    show helped-far "$built/gox"
    [ "$status" -eq 0 ] || fail "gox did not get through"
    say ""
    say "The same modules each time, and an empty module cache each time."
}

# --- the command line ----------------------------------------------------------------------------

main() {
    to='' release='' shim='' add_alias='' mirrors='' mode=''
    while [ $# -gt 0 ]; do
        case $1 in
            --to | --from-release | --shim)
                if [ $# -lt 2 ] || [ -z "$2" ]; then fail "$1 needs a value"; fi
                case $1 in --to) to=$2 ;; --shim) shim=$2 ;; *) release=$2 ;; esac
                shift ;;
            --to=?*) to=${1#*=} ;;
            --from-release=?*) release=${1#*=} ;;
            --shim=?*) shim=${1#*=} ;;
            --alias) add_alias=yes ;;
            --mirrors=cn) mirrors=cn ;;
            --mirrors | --mirrors=*) fail "--mirrors=cn is the only choice; other lists belong into gox.toml" ;;
            --try | --uninstall)
                [ -z "$mode" ] || fail "$mode and $1 do not go together"
                mode=$1 ;;
            -h | --help)
                usage
                return ;;
            *) fail "unknown argument '$1' (--help lists them)" ;;
        esac
        shift
    done
    if [ -n "$mode" ] && [ -n "$to$release$shim$add_alias$mirrors" ]; then fail "$mode takes no other arguments"; fi
    case $mode in
        --uninstall) uninstall ;;
        --try) demonstrate ;;
        *)
            find_checkout
            install_all ;;
    esac
}

main "$@"
