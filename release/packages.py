#!/usr/bin/env python3
"""Packs built programs for pip and npm.

    release/packages.py --out DIR [--dependencies DIR] TARGET=FILE...

For each target a wheel whose `gox` script is the program itself, and an npm package that holds it and nothing else;
for all of them one npm package, whose optional dependencies these are: npm installs the one for the machine. Nothing
is downloaded when they are installed, and neither Python nor a script of ours stands between the user and gox
(npm's launcher becomes gox where node can, from 22.15 on).

A static program runs on every libc, so a wheel says all it suits: manylinux and musllinux. A file that is no static
program of its target is refused; --any-linking lets tests pack what they have. DIR of --dependencies is where
release/build.sh put the licences and the bills of materials (the archives' folder). The packages hold no time but
SOURCE_DATE_EPOCH's, so the same input gives the same bytes.
"""

import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import sys
import tarfile
import time
import zipfile

import elf

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Not gox: that would be too near to other projects' names on both indexes.
NAME = "gox-go"

# The tags of wheels, and npm's words, for each target.
TARGETS = {
    "x86_64-unknown-linux-musl": (
        "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64", "linux", "x64"),
    "aarch64-unknown-linux-musl": (
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64", "linux", "arm64"),
}

LAUNCHER = r"""#!/usr/bin/env node
"use strict";
// Starts the gox of this machine's package.
const machine = `${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`NAME-${machine}/bin/gox`);
} catch {
  console.error(
    `gox: there is no package of gox for ${machine}, or npm left it out: install NAME-${machine}, ` +
      "and check that npm's setting omit does not say optional");
  process.exit(1);
}
const args = process.argv.slice(2);
if (typeof process.execve === "function") {
  // node becomes gox: nothing stands between it and its caller.
  process.execve(program, [program, ...args], process.env);
}
const child = require("child_process").spawn(program, args, { stdio: "inherit" });
// What a terminal sends reaches gox by itself; the others come from somebody who knows node's process alone.
for (const signal of ["SIGHUP", "SIGTERM", "SIGUSR1", "SIGUSR2"]) process.on(signal, () => child.kill(signal));
process.on("SIGINT", () => {});
process.on("SIGQUIT", () => {});
child.on("error", (error) => {
  console.error(`gox: ${program} does not start: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // A signal that does not end node.
  setTimeout(() => process.exit(1), 1000);
});
""".replace("NAME", NAME)


def manifest():
    """The package's fields in Cargo.toml; of them the plain strings and lists of strings."""
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8").split("[package]")[1].split("\n[")[0]
    fields = {}
    for key, value in re.findall(r'^([\w-]+) = (".*"|\[.*\])$', text, re.M):
        fields[key] = json.loads(value)
    return fields


def extras(dependencies, version, target):
    """The licences of the dependencies and the bill of materials, where there are any."""
    found = {}
    if dependencies:
        name = f"gox-{version}-{target}"
        with tarfile.open(dependencies / f"{name}.tar.gz") as archive:
            found["licences"] = archive.extractfile(f"{name}/LICENSES-OF-DEPENDENCIES.txt").read()
        found["bom"] = (dependencies / f"{name}.cdx.json").read_bytes()
    return found


def wheel(out, fields, target, program, extra, epoch):
    """Writes the wheel of a target."""
    version = fields["version"]
    stem = f"{NAME.replace('-', '_')}-{version}"
    tags = TARGETS[target][0]
    info = f"{stem}.dist-info"
    licence_files = ["LICENSE"] + (["LICENSES-OF-DEPENDENCIES.txt"] if extra else [])
    metadata = [
        "Metadata-Version: 2.4", f"Name: {NAME}", f"Version: {version}", f"Summary: {fields['description']}",
        f"License-Expression: {fields['license']}", *(f"License-File: {name}" for name in licence_files),
        f"Keywords: {','.join(fields['keywords'])}", "Classifier: Environment :: Console",
        "Classifier: Intended Audience :: Developers", "Classifier: Operating System :: POSIX :: Linux",
        "Classifier: Programming Language :: Go", "Classifier: Programming Language :: Rust",
        "Classifier: Topic :: Software Development :: Build Tools", "Requires-Python: >=3.7",
        "Description-Content-Type: text/markdown", "", (ROOT / "README.md").read_text(encoding="utf-8"),
    ]
    lines = ["Wheel-Version: 1.0", "Generator: release/packages.py of gox", "Root-Is-Purelib: false"]
    lines += [f"Tag: py3-none-{tag}" for tag in tags.split(".")]
    files = {
        f"{stem}.data/scripts/gox": program,
        f"{info}/METADATA": "\n".join(metadata).encode(),
        f"{info}/WHEEL": ("\n".join(lines) + "\n").encode(),
        f"{info}/licenses/LICENSE": (ROOT / "LICENSE").read_bytes(),
    }
    if extra:
        files[f"{info}/licenses/LICENSES-OF-DEPENDENCIES.txt"] = extra["licences"]
        files[f"{info}/sboms/gox.cdx.json"] = extra["bom"]
    record = "".join(f"{name},sha256={digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = (record + f"{info}/RECORD,,\n").encode()
    # The earliest that zip can say.
    date = time.gmtime(max(epoch, 315532800))[:6]
    path = out / f"{stem}-py3-none-{tags}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
            archive.writestr(entry, data)
    return path


def digest(data):
    """A sha256 as RECORD writes it."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def npm(out, name, description, fields, more, files, epoch):
    """Writes an npm package: its package.json, the licence and these files."""
    document = {"name": name, "version": fields["version"], "description": description,
                "license": fields["license"], "keywords": fields["keywords"], **more}
    files = {"package.json": (json.dumps(document, indent=2) + "\n").encode(),
             "LICENSE": (ROOT / "LICENSE").read_bytes(), **files}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, data in files.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size, entry.mtime = len(data), epoch
            entry.mode = 0o755 if path.startswith("bin/") else 0o644
            archive.addfile(entry, io.BytesIO(data))
    path = out / f"{name}-{fields['version']}.tgz"
    path.write_bytes(gzip.compress(packed.getvalue(), 9, mtime=0))
    return path


def pack(given, fields, epoch):
    """All packages of the programs given; yields their files."""
    platforms = {}
    for word in given.programs:
        target, _, file = word.partition("=")
        if target not in TARGETS or not file:
            sys.exit(f"packages.py: '{word}' is no TARGET=FILE with one of {', '.join(TARGETS)}")
        program = pathlib.Path(file).read_bytes()
        kind = elf.kind(program)
        if kind != f"{target.split('-')[0]} static" and not given.any_linking:
            sys.exit(f"packages.py: {file} is no static program for {target}: {kind or 'no program in 64-bit ELF'}")
        extra = extras(given.dependencies, fields["version"], target)
        yield wheel(given.out, fields, target, program, extra, epoch)
        _, system, cpu = TARGETS[target]
        name = f"{NAME}-{system}-{cpu}"
        platforms[name] = fields["version"]
        files = {"bin/gox": program}
        if extra:
            files["LICENSES-OF-DEPENDENCIES.txt"] = extra["licences"]
            files["gox.cdx.json"] = extra["bom"]
        more = {"os": [system], "cpu": [cpu], "preferUnplugged": True}
        yield npm(given.out, name, f"The program of {NAME} for {system} on {cpu}", fields, more, files, epoch)
    more = {"bin": {"gox": "bin/gox.js"}, "optionalDependencies": platforms, "engines": {"node": ">=16"}}
    files = {"bin/gox.js": LAUNCHER.encode(), "README.md": (ROOT / "README.md").read_bytes()}
    yield npm(given.out, NAME, fields["description"], fields, more, files, epoch)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--out", type=pathlib.Path, required=True)
    arguments.add_argument("--dependencies", type=pathlib.Path)
    arguments.add_argument("--any-linking", action="store_true")
    arguments.add_argument("programs", nargs="+", metavar="TARGET=FILE")
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for path in pack(given, manifest(), int(os.environ.get("SOURCE_DATE_EPOCH", "0"))):
        print(f"{path.name}  {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
