#!/usr/bin/env python3
"""Says what kind of program a file is: "x86_64 static", "aarch64 dynamic", ...

The ELF header and the program headers tell it: a program without an interpreter needs no library and no loader of the
machine that it runs on.
"""

import struct
import sys

MACHINES = {62: "x86_64", 183: "aarch64"}
PT_DYNAMIC, PT_INTERP = 2, 3
ET_DYN = 3


def kind(data):
    """The machine and the way of linking of a program in 64-bit ELF, or None."""
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        return None
    sort, machine = struct.unpack_from("<HH", data, 16)
    (headers,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    if headers + size * count > len(data):
        return None
    kinds = {struct.unpack_from("<I", data, headers + size * n)[0] for n in range(count)}
    linked = "dynamic" if PT_INTERP in kinds else "static-pie" if sort == ET_DYN else "static"
    return f"{MACHINES.get(machine, f'machine {machine}')} {linked}"


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as program:
        print(kind(program.read()) or "no program in 64-bit ELF")
