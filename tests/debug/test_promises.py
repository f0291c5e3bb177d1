#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Every test that Documentation/promises.csv names exists, none failed in the last campaign, and every program of
tests/kselftest with tests proves one of them; prints KTAP.

A name is PROGRAM.TEST, a test of tests/kselftest/PROGRAM.c, or PROGRAM or PROGRAM-VARIANT for one that is run as a whole.
The last column is what tests/debug/figures.py --write made of the campaign's logs; a promise made since then has none.
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


def wrong_with(row, tests):
    """A sentence, or None."""
    names = row["Tests"].split()
    missing = [name for name in names if name not in tests]
    if missing or not names:
        return f"not there: {' '.join(missing)}"
    figure = row["Last campaign"] or ""
    return figure if "**" in figure else None


def without_promise(rows):
    """Programs of tests/kselftest of which no promise names a test."""
    named = {re.match(r"\w+", name)[0] for row in rows for name in row["Tests"].split()}
    return sorted({name.partition(".")[0] for name in known() if "." in name} - named)


def main():
    tests = known()
    with open(TOP / "Documentation/promises.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    print(f"TAP version 14\n1..{len(rows) + 1}")
    failed = False
    for number, row in enumerate(rows, 1):
        wrong = wrong_with(row, tests)
        if wrong:
            failed = True
            print(f"# {wrong}")
        print(f"{'not ok' if wrong else 'ok'} {number} {row['Promise']}")
    idle = without_promise(rows)
    if idle:
        failed = True
        print(f"# proves nothing: {' '.join(idle)}")
    print(f"{'not ok' if idle else 'ok'} {len(rows) + 1} every program proves a promise")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
