#!/usr/bin/env python3
"""Records what a terminal shows of `go mod download` and of `gox mod download`, from real runs, as one picture that moves.

    release/record.py --gox BIN --go BIN --project DIR --out .github/gox.svg [--env NAME=VALUE ...] [--in 'ip netns exec far']

DIR holds a go.mod and a go.sum; GOPROXY and whatever else leads to the module proxy come with --env. Each run starts
with an empty module cache and has a terminal of its own; --in is put before both commands, for a network of their own.
The picture plays in the time of the clock, the silent one above, and shows the end where nothing moves.
"""

import argparse
import fcntl
import html
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time

ROWS = 3
CELL = (8.4, 19)
EDGE = 14
REST = 4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--gox", required=True)
    parser.add_argument("--go", required=True)
    parser.add_argument("--project", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--in", dest="inside", default="", metavar="COMMAND")
    parser.add_argument("--columns", type=int, default=98)
    parser.add_argument("--note", default="", help="a line below: what was downloaded, and over what")
    return parser.parse_args()


def surroundings(go, home, pairs):
    """An environment without anything of the user's."""
    env = {
        "HOME": home,
        "PATH": os.path.dirname(os.path.realpath(go)) + ":/usr/bin:/bin",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "GOPATH": home + "/go",
        "GOMODCACHE": home + "/mod",
        "GOCACHE": home + "/build",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "",
        "GOX_GO": os.path.realpath(go),
        "GOX_CONFIG": "none",
        "GOX_STATE_DIR": home + "/state",
    }
    env.update(pair.split("=", 1) for pair in pairs)
    telemetry = home + "/.config/go/telemetry"
    os.makedirs(telemetry, exist_ok=True)
    with open(telemetry + "/mode", "w") as mode:
        mode.write("off")
    return env


def on_terminal(argv, folder, env, columns, after=None):
    """Runs a command on a terminal of its own: how long it took, its status, and what came when.

    With `after`, Ctrl-C is typed after so many seconds, and what comes from then on is left out.
    """
    start = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(argv[0], argv, env)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    pieces, typed = [], False
    while True:
        if after is not None and not typed and time.monotonic() - start > after:
            typed = True
            os.write(terminal, b"\x03")
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        if not typed:
            pieces.append((time.monotonic() - start, piece))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return time.monotonic() - start, status, pieces


def run(options, program):
    """Runs `PROGRAM mod download` with an empty module cache."""
    home = tempfile.mkdtemp(prefix="gox-record-")
    try:
        project = home + "/project"
        os.makedirs(project)
        for name in ("go.mod", "go.sum"):
            shutil.copy(os.path.join(options.project, name), project)
        argv = [*options.inside.split(), os.path.abspath(program), "mod", "download"]
        env = surroundings(options.go, home, options.env)
        return on_terminal(argv, project, env, options.columns)
    finally:
        subprocess.run(["chmod", "-R", "u+w", home], check=False)
        shutil.rmtree(home, ignore_errors=True)


def screens(pieces, rows=ROWS):
    """What the terminal shows after each piece: only what gox uses is known."""
    most, rows, row, column = rows, [""], 0, 0
    for at, piece in pieces:
        text = piece.decode(errors="replace")
        i = 0
        while i < len(text):
            c = text[i]
            i += 1
            if c == "\r":
                column = 0
            elif c == "\n":
                row += 1
            elif c == "\x1b" and text[i : i + 1] == "[":
                end = i + 1
                while text[end].isdigit():
                    end += 1
                number, command = text[i + 1 : end] or "1", text[end]
                i = end + 1
                if command == "A":
                    row = max(0, row - int(number))
                elif command in "JK":
                    rows[row] = rows[row][:column]
                    if command == "J":
                        del rows[row + 1 :]
            else:
                rows[row] = rows[row][:column].ljust(column) + c + rows[row][column + 1 :]
                column += 1
            while row >= len(rows):
                rows.append("")
        yield at, [line.rstrip() for line in rows][:most]


def frames(took, pieces):
    """(from, to, rows) of everything that is seen, the last without an end."""
    shown = [(0.0, [])]
    for at, rows in screens(pieces):
        rows = [line for line in rows if line]
        if rows != shown[-1][1]:
            shown.append((at, rows))
    # Between the last words and the end nothing changes but the prompt.
    shown.append((took, shown[-1][1] + ["$ "]))
    ends = [at for at, _ in shown[1:]] + [None]
    return [(at, end, rows) for (at, rows), end in zip(shown, ends)]


def clock(took):
    """(from, to, rows) of a clock that stops when the command has ended."""
    ticks = [(float(second), second + 1.0, [f"{second} s"]) for second in range(int(took))]
    last = float(int(took))
    return [*ticks, (last, took, [f"{int(took)} s"]), (took, None, [f"{took:.1f} s"])]


def pane(name, parts, top, left, kind, total, anchor="start"):
    """One animated group for each frame."""
    out, rules = [], []
    for number, (at, end, rows) in enumerate(parts):
        ident = f"{name}{number}"
        begin, stop = at / total * 100, (end / total * 100 if end is not None else 100)
        steps = [f"{begin:.3f}%{{visibility:visible}}"]
        if begin > 0:
            steps.insert(0, "0%{visibility:hidden}")
        if end is not None:
            steps.append(f"{stop:.3f}%{{visibility:hidden}}")
        rules.append(f"@keyframes {ident}{{{''.join(steps)}}}")
        # Where nothing moves the end is seen.
        still = "visible" if end is None else "hidden"
        rules.append(f"#{ident}{{visibility:{still};animation:{ident} {total:.1f}s step-end infinite}}")
        lines = "".join(
            f'<text class="{kind}" xml:space="preserve" x="{left}" y="{top + CELL[1] * (line + 1):.1f}" text-anchor="{anchor}">{html.escape(text)}</text>'
            for line, text in enumerate(rows)
        )
        out.append(f'<g id="{ident}">{lines}</g>')
    return out, rules


def picture(options, go, gox):
    """The picture: go's terminal above gox's."""
    total = max(go[0], gox[0]) + REST
    width = options.columns * CELL[0] + 2 * EDGE
    height_of_one = CELL[1] * (ROWS + 2) + EDGE
    height = 2 * height_of_one + 3 * EDGE + (CELL[1] if options.note else 0)
    body, rules = [], []
    for at, (name, program, (took, _, pieces)) in enumerate((("go", "go", go), ("gox", "gox", gox))):
        top = EDGE + at * (height_of_one + EDGE)
        body.append(f'<rect class="pane" x="{EDGE / 2}" y="{top}" width="{width - EDGE}" height="{height_of_one}" rx="6"/>')
        body.append(f'<text class="typed" x="{EDGE}" y="{top + CELL[1] + 2:.1f}">$ {program} mod download</text>')
        for parts, left, kind, anchor, below, prefix in (
            (frames(took, pieces), EDGE, "said", "start", CELL[1], "f"),
            (clock(took), width - EDGE, "clock", "end", 2, "c"),
        ):
            groups, more = pane(name + prefix, parts, top + below, left, kind, total, anchor)
            body += groups
            rules += more
    if options.note:
        body.append(f'<text class="note" x="{EDGE}" y="{height - EDGE:.1f}">{html.escape(options.note)}</text>')
    style = (
        "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre}"
        ".pane{fill:#161b22;stroke:#30363d}.typed{fill:#7ee787}.said{fill:#e6edf3}.clock{fill:#8b949e}.note{fill:#8b949e}"
    )
    title = f"go mod download says nothing for {go[0]:.0f} s; gox mod download shows how far it is, and needs {gox[0]:.0f} s"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img">\n'
        f"<title>{html.escape(title)}</title>\n<style>{style}\n" + "\n".join(rules) + "\n</style>\n"
        + f'<rect width="100%" height="100%" fill="#0d1117" rx="8"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def main():
    options = arguments()
    go, gox = run(options, options.go), run(options, options.gox)
    for name, (took, status, pieces) in (("go", go), ("gox", gox)):
        print(f"{name}: {took:.1f} s, status {status}, {len(pieces)} pieces", file=sys.stderr)
        if status != 0:
            sys.exit(b"".join(piece for _, piece in pieces).decode(errors="replace"))
    with open(options.out, "w") as out:
        out.write(picture(options, go, gox))


if __name__ == "__main__":
    main()
