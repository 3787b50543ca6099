#!/usr/bin/env python3
"""Tells what the program of a target is made of.

    release/dependencies.py TARGET [--licences FILE] [--bom FILE]

FILE of --licences gets the licences of all crates in it, with their texts; FILE of --bom the same as a bill of
materials (CycloneDX 1.5). Without either, the crates are printed, one a line, and their number last. Crates that only
run while gox is built (macros, build scripts) count too: their licences are cheap to fulfil, and what runs on the
machine that builds is part of the supply chain. All comes from Cargo.lock through cargo metadata.
"""

import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXTS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE")


def crates(target):
    """The root package and all that its program is made of on a target, by name and version."""
    said = subprocess.run(
        [os.environ.get("CARGO", "cargo"), "metadata", "--format-version=1", "--locked", "--filter-platform", target],
        cwd=ROOT, check=True, stdout=subprocess.PIPE)
    metadata = json.loads(said.stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    found, todo, edges = set(), [root], {}
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        edges[name] = sorted(dep["pkg"] for dep in nodes[name]["deps"]
                             if any(kind["kind"] in (None, "build") for kind in dep["dep_kinds"]))
        todo.extend(edges[name])
    order = sorted(found, key=lambda name: (packages[name]["name"], packages[name]["version"]))
    return packages[root], [packages[name] for name in order if name != root], packages, edges


def checksums():
    """The sha256 of each crate in Cargo.lock, by name and version."""
    sums, entry = {}, {}
    for line in (ROOT / "Cargo.lock").read_text().splitlines() + ["[[package]]"]:
        if line == "[[package]]":
            if "checksum" in entry:
                sums[entry["name"], entry["version"]] = entry["checksum"]
            entry = {}
        elif " = " in line:
            key, value = line.split(" = ", 1)
            entry[key] = value.strip('"')
    return sums


def expression(package):
    """A licence as SPDX writes it: a slash is how crates once said OR."""
    return (package["license"] or "NOASSERTION").replace(" / ", " OR ").replace("/", " OR ")


def licences(found):
    """All crates with their licences, and each text once with those whose it is."""
    lines = ["gox contains the crates below, each under the licence beside its name. Their texts follow.", ""]
    texts = {}
    for package in found:
        label = f"{package['name']} {package['version']}"
        lines.append(f"{label}  ({expression(package)})  {package['repository'] or ''}".rstrip())
        folder = pathlib.Path(package["manifest_path"]).parent
        files = [path for path in folder.iterdir() if path.is_file() and path.name.upper().startswith(TEXTS)]
        for path in sorted(files):
            text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip()
            texts.setdefault(text, []).append(label)
    for text, owners in sorted(texts.items(), key=lambda item: item[1]):
        lines += ["", "=" * 100, "Text of: " + ", ".join(owners), "", text]
    return "\n".join(lines) + "\n"


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, sums):
    """A crate as CycloneDX describes it."""
    entry = {"type": "library", "bom-ref": purl(package), "name": package["name"], "version": package["version"],
             "purl": purl(package), "licenses": [{"expression": expression(package)}]}
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return entry


def bom(target, root, found, packages, edges):
    """The bill of materials. It names no time and no chance: the same source gives the same bytes."""
    sums = checksums()
    main = component(root, sums) | {"type": "application", "properties": [{"name": "target", "value": target}]}
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": main},
        "components": [component(package, sums) for package in found],
        "dependencies": [{"ref": purl(packages[name]), "dependsOn": sorted(purl(packages[d]) for d in depends)}
                         for name, depends in sorted(edges.items(), key=lambda item: purl(packages[item[0]]))],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()
    document["serialNumber"] = "urn:uuid:" + str(uuid.UUID(bytes=digest[:16], version=4))
    return json.dumps(document, indent=1) + "\n"


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("target")
    arguments.add_argument("--licences", type=pathlib.Path)
    arguments.add_argument("--bom", type=pathlib.Path)
    given = arguments.parse_args()
    root, found, packages, edges = crates(given.target)
    if given.licences:
        given.licences.write_text(licences(found), encoding="utf-8")
    if given.bom:
        given.bom.write_text(bom(given.target, root, found, packages, edges), encoding="utf-8")
    if not given.licences and not given.bom:
        for package in [root, *found]:
            print(f"{package['name']} {package['version']}  {expression(package)}")
        print(f"{1 + len(found)} crates")


if __name__ == "__main__":
    main()
