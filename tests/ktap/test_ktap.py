#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The KTAP reader's own test; prints KTAP."""

import sys

from ktap import parse

CASES = [
    # name, text, (passed, failed, skipped)
    ("plain", "TAP version 14\n1..2\nok 1 a\nok 2 - b\n", (2, 0, 0)),
    ("failure", "KTAP version 1\n1..2\nok 1 a\nnot ok 2 b\n", (1, 1, 0)),
    ("skip with reason", "1..1\nok 1 a # SKIP no device\n", (0, 0, 1)),
    ("skip in lower case", "1..1\nok 1 a # skip no device\n", (0, 0, 1)),
    ("all skipped", "TAP version 14\n1..0 # SKIP no AVX-512\n", (0, 0, 1)),
    ("plan at the end", "ok 1 a\nok 2 b\n1..2\n", (2, 0, 0)),
    ("no plan", "ok 1 a\n", (1, 1, 0)),
    ("no output", "", (0, 1, 0)),
    ("stopped early", "1..3\nok 1 a\n", (1, 1, 0)),
    ("too many", "1..1\nok 1 a\nok 2 b\n", (2, 1, 0)),
    ("out of sequence", "1..2\nok 1 a\nok 3 b\n", (2, 2, 0)),
    ("bail out", "1..2\nok 1 a\nBail out! lost the device\n", (1, 2, 0)),
    ("comments and chatter", "# hello\n1..1\nsome text\n# ok 1 not a result\nok 1 a\n", (1, 0, 0)),
    ("expected failure", "1..1\nnot ok 1 a # TODO later\n", (0, 0, 1)),
    ("subtests", "KTAP version 1\n1..2\n  KTAP version 1\n  1..2\n  ok 1 x\n  not ok 2 y\nnot ok 1 a\nok 2 b\n", (2, 1, 0)),
    ("parent fails alone", "1..1\n  1..1\n  ok 1 x\nnot ok 1 a\n", (1, 1, 0)),
    ("subtests cut short", "1..1\n  1..2\n  ok 1 x\nok 1 a\n", (1, 1, 0)),
    ("subtests never closed", "1..1\n  1..1\n  ok 1 x\n", (1, 2, 0)),
    ("two levels", "1..1\n  1..1\n    1..2\n    ok 1 x\n    ok 2 y\n  ok 1 m\nok 1 a\n", (2, 0, 0)),
    ("diagnostics after a name", "1..1\nnot ok 1 a # got 3\n", (0, 1, 0)),
    ("carriage returns", "1..1\r\nok 1 a\r\n", (1, 0, 0)),
]

SENTENCES = [
    # name, text, failures
    ("why it failed", "1..2\n# Starting 2 tests\n#  RUN           a ...\n# a.c:5:a:Expected 3\n# a: terminated\n"
     "#          FAIL  a\nnot ok 1 a\nnot ok 2 b\n", ["a (a.c:5:a:Expected 3)", "b"]),
    ("nothing of the test before", "1..2\n# said by a\nok 1 a\nnot ok 2 b\n", ["b"]),
]


def results():
    """name, expected, got"""
    for name, text, expected in CASES:
        summary = parse(text.split("\n"))
        yield name, expected, (summary.passed, summary.failed, summary.skipped)
    for name, text, expected in SENTENCES:
        yield name, expected, parse(text.split("\n")).failures


def main():
    print(f"TAP version 14\n1..{len(CASES) + len(SENTENCES)}")
    failed = False
    for number, (name, expected, got) in enumerate(results(), 1):
        if got != expected:
            failed = True
            print(f"# {name}: expected {expected}, got {got}\nnot ok {number} {name}")
        else:
            print(f"ok {number} {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
