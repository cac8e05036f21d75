#!/usr/bin/env python3
"""Writes the table of scripts for patterns (runtime/natives/src/std/regex/scripts.bin).

    tools/scripts.py UNICODE_TABLES > runtime/natives/src/std/regex/scripts.bin

UNICODE_TABLES is the directory src/unicode_tables of the regex-syntax that is built with, so that scripts are of the same release of
Unicode as all else in patterns. An entry for each script: how many bytes its names have, the names (as UAX 44 compares them, one a line),
how many ranges there are (two bytes, little-endian), and for each range how far it is from the end of the last one and how many
code points it has, less one, as LEB128.
"""

import re
import sys
from pathlib import Path


def leb128(number):
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return out


def code_point(literal):
    escapes = {r"\'": "'", r"\\": "\\", r"\n": "\n", r"\r": "\r", r"\t": "\t", r"\0": "\0"}
    found = re.fullmatch(r"\\u\{([0-9a-fA-F]+)\}", literal)
    return int(found.group(1), 16) if found else ord(escapes.get(literal, literal))


def main():
    tables = Path(sys.argv[1])
    source = (tables / "script.rs").read_text(encoding="utf-8")
    values = (tables / "property_values.rs").read_text(encoding="utf-8")
    block = re.search(r'"Script",\s*&\[(.*?)\]', values, re.S).group(1)
    names = {}
    for alias, name in re.findall(r'\(\s*"([^"]+)",\s*"([^"]+)"\s*,?\s*\)', block):
        names.setdefault(name, []).append(alias)
    constants = re.findall(r'\("(\w+)", (\w+)\)', source)
    for name, constant in constants:
        body = re.search(rf"pub const {constant}: &'static \[\(char, char\)\] =\s*&\[(.*?)\];", source, re.S).group(1)
        ranges = [(code_point(a), code_point(b)) for a, b in re.findall(r"\('(\\?.[^']*|'|\\')', '(\\?.[^']*)'\)", body)]
        text = "\n".join(sorted(names[name])).encode()
        out = bytearray([len(text)]) + text + len(ranges).to_bytes(2, "little")
        end = 0
        for first, last in ranges:
            out += leb128(first - end) + leb128(last - first)
            end = last + 1
        sys.stdout.buffer.write(out)


main()
