#!/usr/bin/env python3
"""Makes gox's manual page of what gox says of itself: release/man.py GOX >gox.1

The help texts of gox and its own commands are the one place where they are described; this gives them the form of a
page. The date is SOURCE_DATE_EPOCH's, so that the same gox gives the same page.
"""

import os
import re
import subprocess
import sys
import time

COMMANDS = ("doctor", "explain", "history", "config", "evict", "private", "shim", "completions")


def text(*words):
    """What gox says for these arguments, without anything of the caller's."""
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, env={"GOX_CONFIG": "none"}).stdout.decode()


def plain(line):
    """A line that roff takes as it is."""
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + line if line.startswith((".", "'")) else line


def body(lines):
    """Help text as roff: entries of two columns become tagged paragraphs, all else stays as it is broken."""
    for line in lines:
        entry = re.match(r"^ {2,6}(\S.*?)(?: {2,}(\S.*))?$", line)
        if line.endswith(":") and not line.startswith(" "):
            yield f".SS {plain(line[:-1])}"
        elif entry and entry[2]:
            yield f".TP\n.B {plain(entry[1])}\n{plain(entry[2])}"
        elif entry and entry[1].startswith("-"):
            yield f".TP\n.B {plain(entry[1])}"
        elif not line.strip():
            yield ".PP"
        else:
            yield f"{plain(line.strip())}\n.br"


def page(gox):
    version = text(gox, "--version").split()[1]
    date = time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", "0"))))
    about, _, rest = text(gox, "--help").partition("\n")
    yield f'.TH GOX 1 {date} "gox {version}" "User Commands"'
    yield f".SH NAME\ngox \\- {plain(about[0].lower() + about[1:])}"
    usage, _, rest = rest.strip().partition("\n\n")
    yield ".SH SYNOPSIS"
    for line in usage.removeprefix("Usage:").splitlines():
        yield f".B {plain(line.strip())}\n.br"
    yield ".SH DESCRIPTION"
    yield from body(rest.splitlines())
    for command in COMMANDS:
        yield f".SH GOX {command.upper()}"
        yield from body(text(gox, command, "--help").splitlines())
    yield ".SH FILES\n~/.config/gox/gox.toml, /etc/gox/gox.toml, gox.toml of a project"
    yield ".SH SEE ALSO\n.BR go (1)"


if __name__ == "__main__":
    print("\n".join(page(os.path.abspath(sys.argv[1]))))
