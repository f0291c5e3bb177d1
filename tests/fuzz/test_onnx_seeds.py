#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The seeds of fuzz_onnx have every operator that the reader knows.

usage: test_onnx_seeds.py KINDS.c FOLDER. Prints KTAP.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../unit"))
import onnx_file as onnx  # noqa: E402


def operators(graph):
    """(domain, type) of the nodes of a graph and of the graphs in their attributes."""
    for node in map(onnx.fields, onnx.fields(graph).get(1, [])):
        yield node.get(7, [b""])[0].decode(), node[4][0].decode()
        for attribute in map(onnx.fields, node.get(5, [])):
            for inner in attribute.get(6, []):
                yield from operators(inner)


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        known = set(re.findall(r'{ ("[a-z.]*"|XQO_DOMAIN), "([A-Za-z0-9]+)", xqo_build_', f.read()))
    known = {("xqaccel" if domain == "XQO_DOMAIN" else domain.strip('"'), kind) for domain, kind in known}
    seen, files = set(), sorted(n for n in os.listdir(sys.argv[2]) if n.endswith(".onnx"))
    for name in files:
        with open(os.path.join(sys.argv[2], name), "rb") as f:
            seen |= set(operators(onnx.fields(f.read())[7][0]))
    missing = sorted(known - seen)
    print("KTAP version 1\n1..1\n# %d operators in %d files" % (len(known & seen), len(files)))
    if missing or len(known) < 100:
        print("# missing of %d: %s" % (len(known), missing))
    print("%sok 1 every operator has a seed" % ("not " if missing or len(known) < 100 else ""))
    return bool(missing or len(known) < 100)


if __name__ == "__main__":
    sys.exit(main())
