#!/usr/bin/env python3
"""Writes what a runtime is made of: components.py PACKAGE FEATURES TARGET OUTPUT NOTICES

OUTPUT is JSON with the crates that are linked into the runtime of these features (comma-separated, or none: "") for a
target. semac reads it beside the runtime (sema-rt-std.components.json beside sema-rt-std), or carries it, and makes bills of
materials of it. NOTICES has the texts of their licences. Where a crate may be used under several licences, MIT is chosen."""

import json
import os
import re
import subprocess
import sys

from notices import licence_files, output_of

# How the words of MIT begin.
MIT = re.compile(r"Permission\s+is\s+hereby\s+granted,\s+free\s+of\s+charge,\s+to\s+any\s+person\s+obtaining\s+a\s+copy\s")
LINE = re.compile(r"^(?P<name>\S+) v(?P<version>[^ |]+)[^|]*\|(?P<licence>[^|]*)\|(?P<repository>.*)$")


def linked(package, features, target):
    """Name, version, licence and repository of the crates that a package is linked from."""
    command = ["cargo", "tree", "--package", package, "--edges", "normal,no-proc-macro", "--prefix", "none", "--target", target]
    command += ["--format", "{p}|{l}|{r}"] + (["--features", features] if features else [])
    found = {}
    for line in output_of(*command).splitlines():
        match = LINE.match(line.removesuffix(" (*)"))
        if match:
            found[(match["name"], match["version"])] = match
    return [found[key] for key in sorted(found)]


def expression(licence):
    """An SPDX expression: old manifests have a slash between alternatives."""
    return licence.replace("/", " OR ")


def texts(directory, licence):
    """The texts of the licence that is chosen."""
    files = licence_files(directory)
    if " OR " in expression(licence) and "MIT" in licence:
        chosen = [file for file in files if "MIT" in os.path.basename(file).upper()]
        files = chosen or files
    for file in files:
        with open(file, encoding="utf-8", errors="replace") as text:
            content = text.read().strip()
        # Sources in C may be offered under GPL as well as under the licence that the crate names.
        if content.startswith("GNU GENERAL PUBLIC LICENSE") and "GPL" not in licence:
            continue
        yield content


def grouped(numbers):
    """The works of each text. Most have a copyright line of their own above the same words of MIT, which are given once for all of them."""
    groups = {}
    for text, names in numbers.items():
        grant = MIT.search(text)
        start = grant.start() if grant else 0
        own, words = text[:start].strip(), text[start:]
        # The lines are broken in many ways.
        key = " ".join(words.split()).replace("“", '"').replace("”", '"')
        groups.setdefault(key, (words, []))[1].append("\n".join(names) + (f"\n{own}" if own else ""))
    return [("\n\n".join(works), words) for words, works in groups.values()]


def musl_version(target):
    """The release of musl that the toolchain links, which its library says."""
    sysroot = output_of("rustc", "--print", "sysroot").strip()
    with open(os.path.join(sysroot, "lib/rustlib", target, "lib/self-contained/libc.a"), "rb") as library:
        found = re.findall(rb"\0(1\.\d+\.\d+)\0", library.read())
    if len(set(found)) != 1:
        sys.exit(f"which release of musl {target} has cannot be told: {sorted(set(found))}")
    return found[0].decode()


def glibc_version(target):
    """The release of glibc that the compiler for a target links, which its headers say."""
    processor = target.split("-")[0].replace("riscv64gc", "riscv64")
    native = output_of("rustc", "-vV").split("host: ")[1].split("-")[0] == processor
    compiler = "cc" if native else f"{processor}-linux-gnu-gcc"
    macros = subprocess.run([compiler, "-E", "-dM", "-include", "features.h", "-"], check=True, stdout=subprocess.PIPE, text=True,
                            stdin=subprocess.DEVNULL).stdout
    return ".".join(re.search(rf"#define {name} (\d+)", macros)[1] for name in ("__GLIBC__", "__GLIBC_MINOR__"))


def read_first(*paths):
    """The first of the files that there is."""
    for path in paths:
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as text:
                return text.read().strip()
    sys.exit(f"without a licence text: none of {', '.join(paths)} is here")


def c_libraries(target, release):
    """What a runtime is linked with that no crate brings: component and texts of its licences."""
    licences = os.path.join(output_of("rustc", "--print", "sysroot").strip(), "share/doc/rust/licenses")

    def of_rust(name):
        return read_first(os.path.join(licences, name), os.path.join("/usr/share/common-licenses", name.removesuffix(".txt")))

    def component(name, version, licence, repository, texts):
        found = {"name": name, "version": version, "license": licence, "purl": f"pkg:generic/{name}@{version}", "repository": repository}
        return found, texts

    if "musl" in target:
        return [component("musl", musl_version(target), "MIT", "https://git.musl-libc.org/cgit/musl", [of_rust("MIT.txt")])]
    if "wasi" in target:
        # Rust's library for the target contains it; what is there says no release of its own.
        licence = "Apache-2.0 WITH LLVM-exception AND MIT AND CC0-1.0"
        texts = [of_rust(name) for name in ("Apache-2.0.txt", "LLVM-exception.txt", "MIT.txt")]
        return [component("wasi-libc", f"rust-{release}", licence, "https://github.com/WebAssembly/wasi-libc", texts)]
    if "gnu" in target:
        processor = target.split("-")[0].replace("riscv64gc", "riscv64").replace("aarch64", "arm64")
        documents = [f"/usr/share/doc/{name}/copyright" for name in (f"libc6-dev-{processor}-cross", f"libc6-{processor}-cross", "libc6")]
        text = read_first(*documents, "/usr/share/common-licenses/LGPL-2.1")
        texts = [text, read_first("/usr/share/common-licenses/LGPL-2.1", *documents)]
        return [component("glibc", glibc_version(target), "LGPL-2.1-or-later", "https://sourceware.org/git/glibc.git", texts)]
    return []


def main(package, features, target, output, notices):
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    metadata = json.loads(output_of("cargo", "metadata", "--format-version", "1", "--all-features", "--filter-platform", target))
    directories = {(one["name"], one["version"]): os.path.dirname(one["manifest_path"]) for one in metadata["packages"]}
    own = {one["name"] for one in metadata["packages"] if one["source"] is None}
    components, parts, numbers = [], [], {}
    for crate in linked(package, features, target):
        name, version = crate["name"], crate["version"]
        component = {"name": name, "version": version, "license": expression(crate["licence"])}
        if crate["repository"]:
            component["repository"] = crate["repository"]
        components.append(component)
        directory = os.path.abspath(".") if name in own else directories[(name, version)]
        found = [text for text in ([open("LICENSE", encoding="utf-8").read().strip()] if name in own else texts(directory, crate["licence"]))]
        if not found:
            sys.exit(f"without a licence text: {name} {version}")
        for text in found:
            numbers.setdefault(text, []).append(f"{name} {version} ({component['license']})")
    documents = os.path.join(output_of("rustc", "--print", "sysroot").strip(), "share/doc/rust/licenses/MIT.txt")
    standard = ["The standard library of Rust (MIT OR Apache-2.0)"]
    release = output_of("rustc", "--version").split()[1]
    components.append({"name": "rust-std", "version": release, "license": "MIT OR Apache-2.0", "purl": f"pkg:generic/rust-std@{release}",
                       "repository": "https://www.rust-lang.org"})
    for component, found in c_libraries(target, release):
        components.append(component)
        for text in found:
            numbers.setdefault(text, []).append(f"{component['name']} {component['version']} ({component['license']})")
    if os.path.exists(documents):
        with open(documents, encoding="utf-8") as text:
            numbers.setdefault(text.read().strip(), []).extend(standard)
    for names, text in grouped(numbers):
        parts.append(names + "\n\n" + text)
    line = "\n\n" + "-" * 72 + "\n\n"
    with open(output, "w", encoding="utf-8") as file:
        json.dump({"components": components}, file, indent=1)
        file.write("\n")
    with open(notices, "w", encoding="utf-8") as file:
        file.write(line.join(parts) + "\n")
    print(f"{output}: {len(components)} components")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
