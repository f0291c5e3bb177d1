#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The session of Documentation/quickstart.rst, typed again: a test for each of its blocks, which must print what the page shows.

usage: test_quickstart.py [--print] XQ. Prints KTAP; with --print instead the page with what the commands print now.
Figures of lines that differ on every machine (xq bench) are not compared.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PAGE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../Documentation/quickstart.rst"))
INDENT = "   "


def blocks(lines):
    """[(index of its first line, index past its last)] of the literal blocks that begin with a prompt."""
    found, i = [], 0
    while i < len(lines):
        if lines[i].startswith(INDENT + "$ ") and not lines[i - 1].strip():
            start = i
            while i < len(lines) and (lines[i].startswith(INDENT) or (not lines[i].strip() and any(
                    line.startswith(INDENT) for line in next_text(lines, i)))):
                i += 1
            found.append((start, i))
        i += 1
    return found


def next_text(lines, i):
    """The first line from i on that is not blank."""
    return [line for line in lines[i:] if line.strip()][:1]


def steps(block):
    """[(lines of the command as shown, the command, what it printed)]"""
    out = []
    for line in block:
        line = line[len(INDENT):]
        if line.startswith("$ "):
            out.append(([line], line[2:], []))
        elif line.startswith("> ") and not out[-1][2]:
            shown, command, printed = out.pop()
            out.append(([*shown, line], command + "\n" + line[2:], printed))
        else:
            out[-1][2].append(line)
    return out


def environment(xq, folder):
    """PATH with the xq under test first, and a python3 that has numpy."""
    tools = os.path.join(folder, "tools")
    os.mkdir(tools)
    os.symlink(os.path.abspath(xq), os.path.join(tools, "xq"))
    for python in "python3", "/usr/bin/python3":
        path = shutil.which(python)
        if path and not subprocess.run([path, "-c", "import numpy"], capture_output=True, check=False).returncode:
            with open(os.path.join(tools, "python3"), "w", encoding="utf-8") as f:
                f.write('#!/bin/sh\nexec %s "$@"\n' % path)
            os.chmod(f.name, 0o755)
            return dict(os.environ, PATH=tools + ":" + os.environ["PATH"], XQACCEL_DEVICE="soft", LC_ALL="C.UTF-8")
    return None


def run(command, folder, env):
    p = subprocess.run(["bash", "-c", command], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return p.stdout.splitlines()


def comparable(command, lines):
    lines = [line.rstrip() for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    if command.startswith("xq bench"):
        lines = [re.sub(r"\d+(\.\d+)? (ms|GMAC/s)|\(\d+\.\d+ on", "figure", line) for line in lines]
    return lines


def rewrite(lines, folder, env):
    """The page with today's output."""
    out, at = [], 0
    for start, end in blocks(lines):
        out += lines[at:start]
        for shown, command, _ in steps(lines[start:end]):
            out += [INDENT + line for line in shown] + [(INDENT + line).rstrip() for line in run(command, folder, env)]
        at = end
    return out + lines[at:]


def main():
    with open(PAGE, encoding="utf-8") as f:
        lines = f.read().splitlines()
    todo, failed, used = blocks(lines), 0, set()
    with tempfile.TemporaryDirectory() as top:
        folder = os.path.join(top, "session")
        os.mkdir(folder)
        env = environment(sys.argv[-1], top)
        if sys.argv[1] == "--print":
            print("\n".join(rewrite(lines, folder, env)))
            return 0
        print("KTAP version 1")
        if not env:
            print("1..0 # SKIP no python3 has numpy")
            return 0
        print("1..%d" % (len(todo) + 1))
        for i, (start, end) in enumerate(todo):
            good = True
            for _, command, printed in steps(lines[start:end]):
                got, want = comparable(command, run(command, folder, env)), comparable(command, printed)
                used |= set(re.findall(r"^xq (\w+)", command))
                if got != want:
                    good = False
                    print("# $ %s\n# prints\n#   %s\n# and the page says\n#   %s" % (command, "\n#   ".join(got), "\n#   ".join(want)))
            failed += not good
            print("%sok %d the session from line %d on" % ("" if good else "not ", i + 1, start + 1), flush=True)
    missing = {"show", "quantize", "compare", "gemm", "dequantize"} - used
    print("%sok %d it uses show, quantize, compare, gemm and dequantize" % ("not " if missing else "", len(todo) + 1))
    return failed != 0 or bool(missing)


if __name__ == "__main__":
    sys.exit(main())
