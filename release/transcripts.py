#!/usr/bin/env python3
"""Makes the transcripts of both READMEs from real runs, and puts them where `<!-- transcript: NAME -->` stands.

    release/transcripts.py --go BIN [--gox BIN] [--proxy BIN]

The module proxy is examples/bad_proxy.rs, on loopback; each run has a terminal of its own, 100 columns wide, and the
module cache is empty before it. Without --gox and --proxy both are built.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import record

ROOT = pathlib.Path(__file__).resolve().parent.parent
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]


class Proxy:
    """A bad proxy, and a project that needs all of it."""

    def __init__(self, options, home, *args):
        self.project = home + "/project"
        self.process = subprocess.Popen(
            [options.proxy, "--project", self.project, "--until-eof", *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        ready = self.project + "/env.sh"
        while not os.path.exists(ready):
            time.sleep(0.05)
        text = pathlib.Path(ready).read_text()
        self.env = dict(re.findall(r"export (\w+)='?([^'\n]*)'?", text))

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def shell(options, home, proxy):
    """Runs a command line as a person would, and gives back what was seen of it."""

    def run(line, after=None, fresh=True):
        for folder in ("/mod", "/state") if fresh else ():
            subprocess.run(["chmod", "-R", "u+w", home + folder], stderr=subprocess.DEVNULL, check=False)
            shutil.rmtree(home + folder, ignore_errors=True)
        pieces = record.on_terminal(
            ["sh", "-c", line], proxy.project, surroundings(options, home, proxy), columns=100, after=after
        )[2]
        rows = [["$ " + line]] + [rows for _, rows in record.screens(pieces, rows=12)][-1:]
        return [row.rstrip() for part in rows for row in part if row.strip()]

    return run


def surroundings(options, home, proxy):
    env = record.surroundings(options.go, home, [])
    bin_folder = home + "/bin"
    os.makedirs(bin_folder, exist_ok=True)
    for name, file in (("gox", options.gox), ("go", options.go)):
        if not os.path.lexists(f"{bin_folder}/{name}"):
            os.symlink(os.path.abspath(file), f"{bin_folder}/{name}")
    return {**env, "PATH": bin_folder + ":/usr/bin:/bin", "GOSUMDB": "off", **proxy.env}


def faults(options, home):
    """One request in ten is spoilt; of the first seeds the one where go and a gox without its fill meet one."""
    for seed in range(7, 40):
        proxy = Proxy(options, f"{home}/{seed}", "--fault", "network", "--seed", str(seed))
        run = shell(options, f"{home}/{seed}", proxy)
        plain, filled = run("go mod download"), run("gox mod download")
        lines = [*plain, *filled, *run("gox --fill off mod download")]
        met = len(plain) == 2 and len(filled) == 1 and "got through with attempt 2" in lines[-1]
        lines += run("gox history", fresh=False)
        proxy.end()
        if met:
            return lines
    raise SystemExit("no seed spoils what is to be shown")


def outage(options, home):
    """The proxy has trouble of its own for a while: what stands on the terminal then, and what in a log."""
    proxy = Proxy(options, home, "--fault", "5xx", "--rate", "1")
    run = shell(options, home, proxy)
    lines = run("gox mod download", after=9.5) + run("gox --budget 40s mod download 2>&1 | grep gox:")
    proxy.end()
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--go", required=True)
    parser.add_argument("--gox", default=str(ROOT / "target/release/gox"))
    parser.add_argument("--proxy", default=str(ROOT / "target/release/examples/bad_proxy"))
    options = parser.parse_args()
    if not os.path.exists(options.gox):
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    if not os.path.exists(options.proxy):
        subprocess.run(["cargo", "build", "--release", "--example", "bad_proxy"], cwd=ROOT, check=True)
    for name, make in (("faults", faults), ("outage", outage)):
        home = tempfile.mkdtemp(prefix="gox-transcript-")
        try:
            block = "```console\n" + "\n".join(make(options, home)) + "\n```"
        finally:
            subprocess.run(["chmod", "-R", "u+w", home], check=False)
            shutil.rmtree(home, ignore_errors=True)
        print(block)
        for readme in READMES:
            text = readme.read_text()
            place = re.compile(rf"(<!-- transcript: {name} -->\n\n)```console\n.*?```", re.S)
            text, found = place.subn(lambda match: match[1] + block, text)
            if found != 1:
                raise SystemExit(f"{readme}: no place for the transcript {name}")
            readme.write_text(text)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main()
