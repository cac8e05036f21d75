#!/usr/bin/env python3
"""Writes the licences of everything that ships: notices.py OUTPUT

The crates that semac and the runtimes are linked from, with the C sources inside of them, and the standard library of
Rust with the C library that runtimes contain. Texts come from the packages themselves; one without a text is an error."""

import json
import os
import subprocess
import sys

ROOTS = ["semac", "sema-rt", "sema-rt-dynamic", "sema-embed"]
NAMES = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE", "COPYRIGHT")
# Folders of a package deeper than this hold no licences of their own.
DEEPEST = 2


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def linked(metadata):
    """The packages from elsewhere that the roots are linked from."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    work = [identity for identity, package in packages.items() if package["name"] in ROOTS]
    seen = set()
    while work:
        identity = work.pop()
        if identity in seen:
            continue
        seen.add(identity)
        for dependency in nodes[identity]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                work.append(dependency["pkg"])
    found = [packages[identity] for identity in seen if packages[identity]["source"]]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def licence_files(directory):
    """The files with licences in a package, its C sources included."""
    found = []
    for folder, folders, files in os.walk(directory):
        depth = os.path.relpath(folder, directory).count(os.sep) + (folder != directory)
        if depth >= DEEPEST:
            folders.clear()
        folders.sort()
        names = [name for name in files if name.upper().startswith(NAMES) and not name.endswith((".rs", ".c", ".h"))]
        found += [os.path.join(folder, name) for name in sorted(names)]
    return found


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    host = next(line.split()[1] for line in output_of("rustc", "-vV").splitlines() if line.startswith("host:"))
    packages = {}
    for platform in (host, "wasm32-wasip1"):
        metadata = json.loads(
            output_of("cargo", "metadata", "--format-version", "1", "--all-features", "--filter-platform", platform)
        )
        packages |= {(package["name"], package["version"]): package for package in linked(metadata)}
    parts, missing = [], []
    for _, package in sorted(packages.items()):
        directory = os.path.dirname(package["manifest_path"])
        files = licence_files(directory)
        if not files:
            missing.append(f"{package['name']} {package['version']} ({package['license']})")
        title = f"{package['name']} {package['version']}: {package['license']}"
        if package["repository"]:
            title += f"\n{package['repository']}"
        texts = []
        for file in files:
            with open(file, encoding="utf-8", errors="replace") as text:
                texts.append((os.path.relpath(file, directory), text.read().strip()))
        parts.append((title, texts))
    documents = os.path.join(output_of("rustc", "--print", "sysroot").strip(), "share/doc/rust")
    standard = []
    for name in ("MIT.txt", "Apache-2.0.txt"):
        file = os.path.join(documents, "licenses", name)
        if os.path.exists(file):
            with open(file, encoding="utf-8") as text:
                standard.append((name, text.read().strip()))
    title = "The standard library of Rust: MIT OR Apache-2.0; in static runtimes musl: MIT; in modules of WebAssembly wasi-libc: Apache-2.0 WITH LLVM-exception, Apache-2.0 or MIT\nhttps://www.rust-lang.org, https://musl.libc.org"
    parts.append((title, standard))
    if missing:
        print("without a licence text: " + ", ".join(missing), file=sys.stderr)
        return 1
    line = "=" * 78
    with open(sys.argv[1], "w", encoding="utf-8") as output:
        output.write("semac and the programs it builds contain the following works.\n")
        numbers = {}
        for title, texts in parts:
            output.write(f"\n{line}\n{title}\n{line}\n\n")
            for name, text in texts:
                if text in numbers:
                    output.write(f"--- {name}: text {numbers[text]}\n")
                else:
                    numbers[text] = len(numbers) + 1
                    output.write(f"--- {name} (text {numbers[text]})\n\n{text}\n\n")
    print(f"{sys.argv[1]}: {len(parts)} works")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main())
