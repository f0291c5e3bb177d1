#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq show against moments in exact fractions and histograms made here in the plainest way.

usage: test_xq_show.py XQ.... Prints KTAP.
"""
import math
import os
import random
import re
import sys
from fractions import Fraction

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import save  # noqa: E402


def statistics(values):
    finite = [v for v in values if math.isfinite(v)]
    exact = [Fraction(v) for v in finite]
    n = len(exact)
    mean = sum(exact) / n
    unit = max(map(abs, exact)) or 1
    power = [float(sum(((v - mean) / unit) ** p for v in exact) / n) for p in range(5)]
    spread = math.sqrt(power[2])
    return {"nan": sum(map(math.isnan, values)), "infinite": sum(map(math.isinf, values)), "zeros": finite.count(0), "min": min(finite),
            "max": max(finite), "mean": float(mean), "mean_abs": float(sum(map(abs, exact)) / n), "standard_deviation": spread * float(unit),
            "skewness": power[3] / spread ** 3 if spread else None, "kurtosis": power[4] / spread ** 4 if spread else None}


def histogram(values, bins):
    low, high = min(values), max(values)
    counts = [0] * bins
    for v in values:
        counts[min(bins - 1, math.floor((v - low) / (high - low) * bins))] += 1
    return counts


class Show(xq_case.Tests):
    names = ("numbers", "integers_that_no_double_holds", "extremes", "histograms", "text", "empty", "what_it_refuses")

    def same(self, got, want, what):
        for key, value in want.items():
            if value is None or isinstance(value, int):
                good = got[key] == value
            else:
                good = got[key] is not None and abs(got[key] - value) <= max(1e-12 * abs(value), 1e-14 if key == "skewness" else 0, 5e-324)
            self.expect(good, "%s: %s is %r, not %r" % (what, key, got[key], value))

    def numbers(self):
        random.seed(7)
        for dtype, shape, values in [
                ("<f8", (20, 30), [random.gauss(3, 2) for _ in range(600)]), ("<f8", (500,), [random.expovariate(1) for _ in range(500)]),
                ("<f4", (4,), [0.0, 0.0, 1.5, -2.5]), ("<f2", (3,), [1.0, 2.0, 4.0]), ("|i1", (2, 2, 2), [1, 2, 3, 4, -128, 127, 0, 0]),
                ("<u2", (3,), [0, 65535, 7]), ("<f8", (5,), [1.0, math.nan, math.inf, -math.inf, 3.0]), ("<i4", (2,), [-7, -7])]:
            save("x.npy", dtype, shape, values)
            got = self.json("show", "x.npy")
            self.same(got, statistics(values), dtype)
            self.expect(got["shape"] == list(shape) and got["elements"] == len(values) and got["file"] == "x.npy", repr(got))
        self.expect(got["type"] == "int32" and got["bytes"] == 8, repr(got))

    def integers_that_no_double_holds(self):
        for dtype, values in [("<u8", [2**64 - 1, 2**64 - 2]), ("<i8", [-2**63, 2**53 + 1]), ("<i8", [2**53 + 1, 2**53])]:
            save("x.npy", dtype, (2,), values)
            got = self.run("show", "x.npy", "--json").stdout
            self.expect('"min": %d, "max": %d, ' % (min(values), max(values)) in got, got)
        save("x.npy", "<i8", (3,), [2**60, 2**60 + 1, 2**60 + 3])
        bars = [line.split()[-1] for line in self.run("show", "x.npy").stdout.splitlines()[-4:]]
        self.expect(bars == ["1", "1", "0", "1"], repr(bars))
        save("x.npy", "<f8", (2,), [0.0, 5e-324])
        self.run("show", "x.npy")

    def extremes(self):
        for values in [[1e308, 1e308, -1e308], [5e-324, 0.0], [1e-300, 3e-300, 2e-300], [1e200, 2e200, 4e200]]:
            save("x.npy", "<f8", (len(values),), values)
            self.same(self.json("show", "x.npy"), statistics(values), repr(values))
        save("x.npy", "<f8", (3,), [.1, .1, .1])
        self.same(self.json("show", "x.npy"), {"standard_deviation": 0, "skewness": None, "kurtosis": None, "mean": .1}, "equal values")

    def histograms(self):
        random.seed(3)
        values = [random.gauss(0, 1) for _ in range(1000)]
        save("x.npy", "<f8", (1000,), values)
        for bins in 16, 1, 7, 100:
            got = self.json("show", "x.npy", *(["--bins", str(bins)] if bins != 16 else []))["histogram"]
            self.expect(got == histogram(values, bins), "%d bins: %s" % (bins, got))
        self.expect(self.json("show", "x.npy", "--bins", "0")["histogram"] == [], "no bins")
        values = [random.randrange(-8, 8) for _ in range(100)] + [-8, 7]
        save("i.npy", "|i1", (102,), values)
        got = self.json("show", "i.npy")["histogram"]
        self.expect(got == [values.count(v) for v in range(-8, 8)], "a bin for each value: %s" % got)
        got = self.json("show", "i.npy", "--bins", "4")["histogram"]
        self.expect(got == histogram(values, 4), "4 bins of integers: %s" % got)

    def text(self):
        save("x.npy", "|i1", (3, 2), [1, 2, 2, 2, 4, 4])
        got = self.run("show", "x.npy").stdout
        want = ("x.npy: int8 [3, 2], 6 elements, 6 bytes\n  range               1 to 4\n  mean                2.5, of magnitudes 2.5\n"
                "  standard deviation  1.11803\n  skewness            0.3578\n  kurtosis            1.6400 (3 if normal)\n"
                "  zeros               0 (0.00 %)\n\n")
        self.expect(got.startswith(want), repr(got))
        bars = re.findall(r"^ +(\d) +(#*) +(\d)$", got, re.M)
        self.expect([(int(v), int(n)) for v, _, n in bars] == [(1, 1), (2, 3), (3, 0), (4, 2)], repr(bars))
        self.expect([len(b) for _, b, _ in bars] == [14, 40, 0, 27], repr(bars))
        save("x.npy", "<f4", (3,), [math.nan, math.nan, math.inf])
        got = self.run("show", "x.npy").stdout.splitlines()
        self.expect(len(got) == 2 and "2 NaN, 1 infinite" in got[1], repr(got))
        save('a"\\\té.npy', "<f4", (), [1])
        self.expect(self.json("show", 'a"\\\té.npy')["file"] == 'a"\\\té.npy', "a name with quotes")

    def empty(self):
        save("x.npy", "<f4", (0, 3), [])
        got = self.json("show", "x.npy")
        self.expect(got["elements"] == 0 and got["min"] is None and got["mean"] is None and got["histogram"] == [], repr(got))
        self.expect(self.run("show", "x.npy").stdout == "x.npy: float32 [0, 3], 0 elements, 0 bytes\n", "empty")

    def what_it_refuses(self):
        with open("m.tflite", "wb") as f:
            f.write(b"\x1c\0\0\0TFL3" + bytes(100))
        self.refused(1, "m.tflite: a table has no list of its fields at byte 28 of the file, which has 108", "show", "m.tflite")
        self.refused(1, "cannot read none.npy: No such file or directory", "show", "none.npy")
        self.refused(2, "--bins must be 0 to 1000 (-1)", "show", "x.npy", "--bins", "-1")
        self.refused(2, "--bins must be 0 to 1000 (1001)", "show", "x.npy", "--bins=1001")
        self.refused(2, "it takes 1 file (0 given)", "show")


if __name__ == "__main__":
    xq_case.main(Show, sys.argv[1:])
