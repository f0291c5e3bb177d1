#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Every test that Documentation/promises.csv names exists; prints KTAP.

A name is PROGRAM.TEST, a test of tests/kselftest/PROGRAM.c, or PROGRAM or PROGRAM-VARIANT for one that is run as a whole.
"""

import csv
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
SINGLE = re.compile(r"^TEST(?:_TIMEOUT)?\((\w+)", re.M)
OF_FIXTURE = re.compile(r"^TEST_F(?:_TIMEOUT)?\(\w+, (\w+)", re.M)
VARIANT = re.compile(r"debug-test,([\w]+),(\w*),")


def known():
    names = set()
    for source in (TOP / "tests/kselftest").glob("*.c"):
        text = source.read_text(encoding="utf-8")
        if re.search(r"^(int main|TEST_HARNESS_MAIN)", text, re.M):
            names.add(source.stem)
        for pattern in (SINGLE, OF_FIXTURE):
            names |= {f"{source.stem}.{name}" for name in pattern.findall(text)}
    for program, variant in VARIANT.findall((TOP / "tests/debug/build.mk").read_text(encoding="utf-8")):
        names.add(program + (f"-{variant}" if variant else ""))
    return names


def main():
    tests = known()
    with open(TOP / "Documentation/promises.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    print(f"TAP version 14\n1..{len(rows)}")
    failed = False
    for number, row in enumerate(rows, 1):
        missing = [name for name in row["Tests"].split() if name not in tests]
        if missing or not row["Tests"].split():
            failed = True
            print(f"# not there: {' '.join(missing)}")
        print(f"{'not ok' if missing else 'ok'} {number} {row['Promise']}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
