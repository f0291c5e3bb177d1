#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq compare: exit statuses, places and figures, against loops over the same values.

usage: test_xq_compare.py XQ.... Prints KTAP.
"""
import math
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import load, save  # noqa: E402


class Compare(xq_case.Tests):
    names = ("exit_statuses", "figures", "places", "types", "not_finite", "tolerances", "extremes", "text", "full_output", "what_it_refuses")

    def exit_statuses(self):
        save("a.npy", "<f4", (2, 3), range(6))
        save("b.npy", "<f4", (2, 3), [0, 1, 2, 3, 4, 6])
        save("c.npy", "<f4", (3, 2), range(6))
        save("e.npy", "<f4", (0,), [])
        for rc, words in [(0, "a a"), (1, "a b"), (1, "a c"), (0, "e e"), (1, "a e"), (2, "a none"), (2, "none a")]:
            words = [word + ".npy" for word in words.split()]
            for option in [], ["--quiet"], ["-q"], ["--json"]:
                p = self.run("compare", *words, *option, rc=rc)
                self.expect("-" not in "".join(option) or "json" in "".join(option) or not p.stdout, "quiet %s prints %r" % (words, p.stdout))
                self.expect((rc == 2) == bool(p.stderr), "%s: %r" % (words, p.stderr))

    def figures(self):
        random.seed(5)
        for dtype in "<f4", "<f8", "<f2":
            a = save("a.npy", dtype, (7, 11), [random.gauss(0, 3) for _ in range(77)])
            b = save("b.npy", dtype, (7, 11), [v + random.choice([0, 0, random.gauss(0, .1)]) for v in load(a)[2]])
            x, y = load(a)[2], load(b)[2]
            differences = [abs(p - q) for p, q in zip(x, y)]
            want = {"largest": max(differences), "mean": math.fsum(differences) / 77,
                    "relative": math.sqrt(math.fsum(d * d for d in differences) / math.fsum(p * p for p in x)),
                    "snr_db": 10 * math.log10(math.fsum(p * p for p in x) / math.fsum(d * d for d in differences))}
            got = self.json("compare", a, b, rc=1)
            for key, value in want.items():
                self.expect(abs(got[key] - value) < 1e-12 * abs(value), "%s %s: %r, not %r" % (dtype, key, got[key], value))
            where = differences.index(max(differences))
            self.expect(got["differing"] == sum(d > 0 for d in differences) and got["largest_at"] == [where // 11, where % 11], repr(got))

    def places(self):
        for shape, i, place in [((2, 3, 4), 17, [1, 1, 1]), ((24,), 23, [23]), ((24, 1), 5, [5, 0]), ((), 0, [])]:
            values = [1] * math.prod(shape)
            save("a.npy", "|i1", shape, values)
            values[i] = 2
            values[-1] = 2
            save("b.npy", "|i1", shape, values)
            got = self.json("compare", "a.npy", "b.npy", rc=1)
            self.expect(got["first"] == place and got["largest"] == 1, "%s: %r" % (shape, got))

    def types(self):
        """Values count, exactly also where doubles end."""
        save("a.npy", "|i1", (2,), [-1, 2])
        for dtype in "<i4", "<f4", "<f8", "<f2":
            save("b.npy", dtype, (2,), [-1, 2])
            got = self.json("compare", "a.npy", "b.npy")
            self.expect(got["equal"] and got["types"][0] == "int8" != got["types"][1], repr(got))
        for rc, one, two in [(1, ("<i8", 2**53), ("<i8", 2**53 + 1)), (1, ("<u8", 2**64 - 1), ("<i8", -1)), (1, ("<u8", 2**64 - 1), ("<u8", 2**64 - 2)),
                             (1, ("<i8", 2**53 + 1), ("<f8", 2.0**53)), (0, ("<u8", 2**63), ("<f8", 2.0**63)), (0, ("<i8", -2**63), ("<f8", -2.0**63))]:
            save("a.npy", one[0], (1,), [one[1]])
            save("b.npy", two[0], (1,), [two[1]])
            self.run("compare", "a.npy", "b.npy", rc=rc)

    def not_finite(self):
        for rc, a, b in [(0, [math.nan, 1], [math.nan, 1]), (0, [math.inf, 1], [math.inf, 1]), (1, [math.inf, 1], [-math.inf, 1]),
                         (1, [math.nan, 1], [0, 1]), (1, [math.inf, 1], [3e38, 1])]:
            save("a.npy", "<f4", (2,), a)
            save("b.npy", "<f4", (2,), b)
            got = self.json("compare", "a.npy", "b.npy", "--tolerance", "1e300", rc=rc)
            self.expect(got["not_finite"] == rc and got["largest"] == 0, repr(got))

    def tolerances(self):
        save("a.npy", "<f8", (2,), [1, 100])
        save("b.npy", "<f8", (2,), [1.5, 101])
        for rc, differing, words in [(1, 2, []), (1, 1, ["--tolerance", "0.5"]), (0, 0, ["--tolerance", "1"]), (1, 1, ["--relative", "0.01"]),
                                     (0, 0, ["--relative=0.01", "--tolerance=0.49"])]:
            got = self.json("compare", "a.npy", "b.npy", *words, rc=rc)
            self.expect(got["differing"] == differing and got["equal"] == (not rc), "%s: %r" % (words, got))

    def extremes(self):
        for a, b, relative in [([1e200, 1e200], [1e200, 0], .5 ** .5), ([1e-200, 1e-200], [1e-200, 0], .5 ** .5), ([5e-324, 0], [5e-324, 5e-324], 1)]:
            save("a.npy", "<f8", (2,), a)
            save("b.npy", "<f8", (2,), b)
            got = self.json("compare", "a.npy", "b.npy", rc=1)
            self.expect(got["relative"] is not None and abs(got["relative"] - relative) < 1e-9, repr(got))

    def text(self):
        save("a.npy", "<f4", (2, 3), [1, 2, 3, 4, 5, 6])
        save("b.npy", "<f4", (2, 3), [1, 2, 3, 4, 4.5, 6])
        want = ("1 of 6 elements of [2, 3] differs (16.67 %)\n  first               [1, 1]: 5 and 4.5\n  largest difference  0.5 at [1, 1]\n"
                "  mean difference     0.0833333\n  relative error      0.0524142 (signal to noise 25.61 dB)\n")
        got = self.run("compare", "a.npy", "b.npy", rc=1).stdout
        self.expect(got == want, repr(got))
        self.expect(self.run("compare", "a.npy", "a.npy").stdout == "equal: all 6 elements of [2, 3]\n", "equal")
        save("c.npy", "<f4", (6,), range(6))
        self.expect(self.run("compare", "a.npy", "c.npy", rc=1).stdout == "the shapes differ: a.npy is [2, 3], c.npy is [6]\n", "shapes")

    def full_output(self):
        save("a.npy", "<f4", (1,), [1])
        with open("/dev/full", "wb") as full:
            p = subprocess.run([self.xq, "compare", "a.npy", "a.npy"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.expect(p.returncode == 2 and p.stderr == "xq: compare: cannot write to standard output: No space left on device\n", repr(p))

    def what_it_refuses(self):
        self.refused(2, "--tolerance must not be negative (-1)", "compare", "a.npy", "a.npy", "--tolerance", "-1")
        self.refused(2, "--relative takes a number (much)", "compare", "a.npy", "a.npy", "--relative", "much")
        self.refused(2, "--relative takes no number of that size (nan)", "compare", "a.npy", "a.npy", "--relative", "nan")
        self.refused(2, "--quiet does not go with --json", "compare", "a.npy", "a.npy", "-q", "--json")
        self.refused(2, "it takes 2 files (1 given)", "compare", "a.npy")


if __name__ == "__main__":
    xq_case.main(Compare, sys.argv[1:])
