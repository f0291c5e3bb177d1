#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""exports.py headers|pages|form|BUILD: what is wrong with the library's exports and their manual, a line for each.

headers	the functions that the public headers declare and those that libxqaccel.map lists
pages	each exported function is in the NAME of a page of section 3, with the SYNOPSIS that its header has
form	what man(1) says of the pages' source
BUILD	the symbols of the shared and the static library in BUILD/lib

Headers are read as text: a function is declared at the outermost level, and its name begins with xq_.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
HEADERS = sorted((TOP / "libxqaccel/include/xqaccel").glob("*.h"))
MANUAL = TOP / "libxqaccel/man"
MAP = TOP / "libxqaccel/libxqaccel.map"


def normalized(text):
    """One blank between words, none around punctuation, so that two ways to break a line are the same."""
    return re.sub(r" ?([^\w ]) ?", r"\1", " ".join(text.split()))


def without_bodies(text):
    """C without what stands in braces, but for extern "C" { }, whose brace nobody counts."""
    depth, kept = 0, []
    for part in re.split(r"([{}])", text.replace('extern "C" {', "")):
        if part == "{":
            depth += 1
        elif part == "}":
            depth = max(depth - 1, 0)
        elif depth == 0:
            kept.append(part)
    return "".join(kept)


def declarations(text):
    """{name: declaration} of a header's text."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^\s*#.*(\\\n.*)*", "", text, flags=re.M)
    found = {}
    for statement in without_bodies(text).split(";"):
        match = re.match(r"\s*(?!typedef\b|static\b)[\w\s*]*?\b(xq_\w+)\s*\(.*\)\s*$", statement, re.S)
        if match:
            found[match.group(1)] = normalized(statement)
    return found


def declared():
    found = {}
    for header in HEADERS:
        found.update({name: (header.name, text) for name, text in declarations(header.read_text()).items()})
    return found


def listed(text):
    """The names of a version script, each in a line of its own."""
    return re.findall(r"^\s*(xq_[\w*]+);$", text, re.M)


def check_headers():
    want, have = set(declared()), listed(MAP.read_text())
    for name in sorted(want - set(have)):
        yield f"{declared()[name][0]} declares {name}, which libxqaccel.map does not list"
    for name in sorted(set(have) - want):
        yield f"libxqaccel.map lists {name}, which no header declares"
    for name in sorted(name for name in set(have) if have.count(name) > 1):
        yield f"libxqaccel.map lists {name} twice"


def arguments(line):
    """The words of a roff request, of which some are in quotation marks."""
    return [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|(\S+)', line)]


def section(source, name):
    match = re.search(rf"^\.SH {name}\n(.*?)(?=^\.SH |\Z)", source, re.M | re.S)
    return match.group(1) if match else ""


def synopsis(source):
    """{name: declaration} of a page's SYNOPSIS."""
    lines = ["".join(arguments(line[3:])) if line.startswith(".B") else line
             for line in section(source, "SYNOPSIS").splitlines() if not re.match(r"\.(?!B)", line)]
    text = "\n".join(line for line in lines if not line.startswith("#"))
    return declarations(re.sub(r"\\f.", "", text).replace("\\-", "-").replace("\\", ""))


def named(source):
    """The functions in a page's NAME."""
    return [name.strip() for name in section(source, "NAME").split("\\-")[0].replace("\n", " ").split(",")]


def pages():
    """(file, source) of each page of section 3 that is more than another name of one."""
    for file in sorted(MANUAL.glob("*.3")):
        source = file.read_text()
        if "\n.TH " in source:
            yield file, source


def check_pages():
    functions, seen = declared(), {}
    for file, source in pages():
        shown = synopsis(source)
        if file.stem not in named(source):
            yield f"{file.name}: its NAME is another"
        for name in named(source):
            if name not in functions:
                yield f"{file.name}: no header declares {name}"
                continue
            if name in seen:
                yield f"{file.name}: {name} is in {seen[name]}, too"
            seen[name] = file.name
            header, text = functions[name]
            if shown.get(name) != text:
                yield f"{file.name}: {header} has '{text}', the page '{shown.get(name)}'"
            if f"<xqaccel/{header}>" not in source:
                yield f"{file.name}: {name} is declared in xqaccel/{header}, which the page does not name"
        for name in shown.keys() - set(named(source)):
            yield f"{file.name}: {name} is in its SYNOPSIS and not in its NAME"
    for name in sorted(functions.keys() - seen.keys()):
        yield f"{name} of xqaccel/{functions[name][0]} has no manual page"


def check_form():
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MANROFFSEQ": ""}
    files = sorted(file for file in MANUAL.iterdir() if re.fullmatch(r"\.[1-8]", file.suffix))
    for file in files:
        if "\n.TH " not in file.read_text():
            continue
        # Inside of the manual's folder, so that nothing depends on where the checkout is.
        result = subprocess.run(["man", "--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", "-Z", file.name], cwd=MANUAL,
                                env=environment, capture_output=True, text=True, check=False)
        for line in result.stderr.splitlines():
            yield f"{file.name}: {line}"
        if result.returncode or not result.stdout:
            yield f"{file.name}: man ends with {result.returncode}"


def symbols(library, *options):
    result = subprocess.run(["nm", *options, "--defined-only", library], capture_output=True, text=True, check=True)
    words = [line.split() for line in result.stdout.splitlines()]
    return {word[2] for word in words if len(word) == 3 and word[1] != "A"}


def check_build(build):
    names = set(listed(MAP.read_text()))
    version = re.search(r"^(\S+) {$", MAP.read_text(), re.M).group(1)
    for library, options, suffix in (("libxqaccel.so", ["-D", "--with-symbol-versions"], f"@@{version}"),
                                     ("libxqaccel.a", ["-g"], "")):
        have, want = symbols(build / "lib" / library, *options), {name + suffix for name in names}
        for name in sorted(have ^ want):
            yield f"{library} {'exports ' + name if name in have else 'lacks ' + name}"


def main():
    checks = {"headers": check_headers, "pages": check_pages, "form": check_form}
    what = sys.argv[1]
    complaints = list(checks[what]() if what in checks else check_build(Path(what)))
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
