#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq quantize, dequantize, conv and gemm --requant as commands: round trips, reports, and what must be refused.

usage: test_xq_data.py XQ..., for instance with and without sanitizers. Prints KTAP. Needs nothing but Python; the numbers themselves are the unit tests' business.
"""
import json
import math
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import load, save  # noqa: E402


class Data(xq_case.Tests):
    names = ("schemes_come_back", "bits_of_schemes", "report_alone", "codebooks_come_back", "float16_input", "convolution", "refused_quantize",
             "refused_products")

    def schemes_come_back(self):
        x = [random.gauss(0, 1) for _ in range(6 * 64)] + [0.0] * 64
        save("x.npy", "<f4", (7, 64), x)
        x = load("x.npy")[2]
        for scheme, options, back, limit in [
                ("symmetric", ["--type", "s8"], [], .03), ("affine", ["--type", "u4", "--granularity", "channel:0"], ["--axis", "0"], .5),
                ("symmetric", ["--type", "s4", "--granularity", "group:16"], ["--axis", "-1", "--block", "16"], .4),
                ("binary", [], [], 9), ("bwn", ["--granularity", "channel:1"], ["--axis", "1"], 9), ("twn", [], [], 9),
                ("vsquant", [], ["--axis", "1", "--block", "16"], .5), ("mx4", [], ["--axis", "1", "--block", "2"], 2),
                ("mx6", [], ["--axis", "1", "--block", "2"], .3), ("mx9", [], ["--axis", "1", "--block", "2"], .04),
                ("mxint8", [], ["--axis", "1", "--block", "32"], .04)]:
            p = self.run("quantize", "x.npy", "-o", "q.npy", "--scheme", scheme, *options, "--scale-out", "s.npy",
                         *(["--zp-out", "z.npy"] if scheme == "affine" else []), "--report", "--json")
            self.run("dequantize", "q.npy", "-o", "y.npy", "--scale", "s.npy", *back, *(["--zp", "z.npy"] if scheme == "affine" else []))
            report, y = json.loads(p.stdout), load("y.npy")[2]
            worst = max(abs(a - b) for a, b in zip(x, y))
            self.expect(worst <= limit, "%s: error %g" % (scheme, worst))
            self.expect(abs(worst - report["max_abs"]) < 1e-6, "%s: reports %r, is %g" % (scheme, report["max_abs"], worst))

    def bits_of_schemes(self):
        save("x.npy", "<f4", (4, 64), [random.gauss(0, 1) for _ in range(256)])
        for scheme, bits in [("binary", 1), ("vsquant", 4.25 + 16 / 64), ("mx4", 4), ("mx6", 6), ("mx9", 9), ("mxint8", 8.25)]:
            p = self.run("quantize", "x.npy", "-o", "q.npy", "--scheme", scheme, "--json")
            got = json.loads(p.stdout)["bits_per_element"]
            self.expect(got == bits, "%s: %r bits, not %r" % (scheme, got, bits))

    def report_alone(self):
        """No codes are written where only the report or the scales are asked for."""
        save("x.npy", "<f4", (4, 8), [random.gauss(0, 1) for _ in range(32)])
        words = ["quantize", "x.npy", "--type", "s4", "--scheme", "symmetric", "--granularity", "channel:0"]
        before = sorted(set(os.listdir(".")) - {"q.npy"})
        for option in "--report", "--json":
            self.expect(self.run(*words, option).stdout == self.run(*words, option, "-o", "q.npy").stdout, "another report with -o")
            os.unlink("q.npy")
            self.expect(sorted(os.listdir(".")) == before, "a file was written")
        self.run(*words, "--scale-out", "only.npy")
        self.expect(load("only.npy")[1] == (4,) and sorted(os.listdir(".")) == sorted([*before, "only.npy"]), "the scales alone")
        self.expect("-o Q.npy is missing, or --report" in self.run(*words, rc=2).stderr, "neither is asked for")
        os.unlink("only.npy")

    def codebooks_come_back(self):
        values = [-1.0, 0.0, 1.5, 2.0]
        x = [random.choice(values) for _ in range(96)]
        save("x.npy", "<f4", (8, 12), x)
        for options, table_type, exact in [([], "<f4", True), (["--granularity", "channel:0"], "<f4", True), (["--type", "c4"], "|i1", False)]:
            self.run("quantize", "x.npy", "-o", "q.npy", "--scheme", "kmeans:2", *options, "--codebook-out", "t.npy", "--scale-out", "s.npy")
            self.run("dequantize", "q.npy", "-o", "y.npy", "--codebook", "t.npy", "--scale", "s.npy")
            self.expect(load("t.npy")[0] == table_type, "table is %s" % load("t.npy")[0])
            worst = max(abs(a - b) for a, b in zip(x, load("y.npy")[2]))
            self.expect(worst == 0 if exact else worst < .02, "kmeans %s: error %g" % (options, worst))

    def float16_input(self):
        save("h.npy", "<f2", (3,), [0.5, -1.0, 2.0])
        save("d.npy", "<f8", (3,), [0.5, -1.0, 2.0])
        for name in "h.npy", "d.npy":
            self.run("quantize", name, "-o", "q.npy", "--type", "s8", "--scale", "0.5", "--zp", "1")
            self.expect(load("q.npy") == ("|i1", (3,), (2, -1, 5)), "%s: %r" % (name, load("q.npy")))
        for shape in [(), (1,)]:
            save("one.npy", "<f4", shape, [.5])
            self.run("quantize", name, "-o", "q.npy", "--type", "s8", "--scale", "one.npy", "--axis", "0", "--block", "3")
            self.expect(load("q.npy") == ("|i1", (3,), (1, -2, 4)), "scale %r: %r" % (shape, load("q.npy")))

    def convolution(self):
        save("x.npy", "|i1", (1, 1, 3, 3), range(1, 10))
        save("w.npy", "|i1", (1, 1, 2, 2), [1, 0, 0, -1])
        self.run("conv", "x.npy", "w.npy", "-o", "y.npy", "--device", "soft")
        self.expect(load("y.npy") == ("<i4", (1, 1, 2, 2), (-4, -4, -4, -4)), repr(load("y.npy")))
        self.run("conv", "x.npy", "w.npy", "-o", "y.npy", "--device", "soft", "--requant", "floor-shift", "--multiplier", "3",
                 "--shift", "1", "--add", "1", "--y-zp", "9", "--y-type", "u8", "--act-min", "4")
        self.expect(load("y.npy") == ("|u1", (1, 1, 2, 2), (4, 4, 4, 4)), repr(load("y.npy")))
        self.run("conv", "x.npy", "w.npy", "-o", "y.npy", "--device", "soft", "--pads", "0,0,0,1", "--strides", "2,1")
        self.expect(load("y.npy")[1] == (1, 1, 1, 3), repr(load("y.npy")))

    def refused_quantize(self):
        save("x.npy", "<f4", (2, 3), [1, 2, 3, 4, 5, 6])
        save("nan.npy", "<f4", (2,), [1, math.nan])
        save("i.npy", "|i1", (2, 3), range(6))
        save("s4.npy", "<f4", (4,), [1, 1, 1, 1])
        save("zero.npy", "<f4", (3,), [1, 0, 1])
        for rc, words in [
                (2, []), (2, ["--scale", "1", "--scheme", "affine"]), (2, ["--scheme", "affine"]), (2, ["--type", "s8", "--scheme", "odd"]),
                (2, ["--type", "s8", "--scheme", "affine", "--calibrate", "odd"]), (2, ["--type", "s8", "--scheme", "affine", "--round", "odd"]),
                (1, ["--type", "b1", "--scale", "1"]), (1, ["--type", "s8", "--scale", "0"]), (1, ["--type", "s8", "--scale", "nan"]),
                (1, ["--type", "s8", "--scale", "s4.npy"]), (1, ["--type", "s8", "--scale", "zero.npy"]), (1, ["--type", "s8", "--scale", "absent.npy"]),
                (1, ["--type", "s8", "--scale", "1", "--zp", "128"]), (1, ["--type", "s8", "--scale", "s4.npy", "--axis", "5"]),
                (1, ["--type", "s8", "--scale", "1", "--block", "0"]), (1, ["--type", "s8", "--scheme", "affine", "--granularity", "group:0"]),
                (1, ["--type", "s8", "--scheme", "affine", "--granularity", "channel:2"]), (2, ["--scheme", "kmeans:9"]),
                (1, ["--type", "s8", "--scheme", "affine", "--codebook-out", "t.npy"]), (2, ["--no-such-option"]),
                (1, ["--type", "s8", "--scheme", "affine", "--calibrate", "percentile:101"]), (2, ["--scheme", "kmeans:4294967300"]),
                (2, ["--scheme", "mx4", "--granularity", "channel:0"]), (2, ["--scheme", "twn", "--round", "stochastic:1"])]:
            self.leaves_nothing(rc, "quantize", "x.npy", *words)
        self.leaves_nothing(1, "quantize", "nan.npy", "--type", "s8", "--scale", "1")
        self.leaves_nothing(1, "quantize", "i.npy", "--type", "s8", "--scale", "1")
        self.leaves_nothing(1, "dequantize", "x.npy", "--scale", "1")
        self.leaves_nothing(1, "dequantize", "i.npy", "--scale", "inf")
        self.leaves_nothing(1, "dequantize", "i.npy", "--codebook", "s4.npy")
        save("six.npy", "<f4", (6,), range(6))
        self.leaves_nothing(1, "dequantize", "i.npy", "--codebook", "six.npy", "--scale", "1e39")
        self.leaves_nothing(2, "dequantize", "i.npy")

    def refused_products(self):
        save("x.npy", "|i1", (1, 2, 3, 3), [0] * 18)
        save("w.npy", "|i1", (4, 2, 2, 2), [0] * 32)
        save("m.npy", "|i1", (2, 2), [0] * 4)
        save("three.npy", "<i4", (3,), [1, 2, 3])
        tflite = ["--requant", "tflite", "--multiplier", "1073741824", "--shift"]
        for rc, words in [
                (2, ["--requant", "odd"]), (2, ["--requant", "onnx"]), (2, ["--y-zp", "1"]), (2, tflite[:-1]), (1, tflite + ["31"]),
                (1, tflite + ["three.npy"]), (1, tflite + ["0", "--act-min", "5", "--act-max", "4"]), (2, tflite + ["0", "--y-type", "b1"]),
                (1, ["--requant", "onnx", "--x-scale", "1", "--w-scale", "1", "--y-scale", "0"]), (1, ["--bias", "three.npy"]),
                (1, ["--device", "/nonexistent"])]:
            self.leaves_nothing(rc, "conv", "x.npy", "w.npy", *words)
            self.leaves_nothing(rc, "gemm", "m.npy", "m.npy", *words)
        for rc, words in [
                (1, ["--pads", "1"]), (1, ["--pads", "-1,0,0,0"]), (1, ["--strides", "0"]), (1, ["--groups", "3"]), (1, ["--groups", "0"]),
                (1, ["--dilations", "3"]), (2, ["--layout", "odd"]), (2, ["--output-padding", "1"]), (1, ["--x-type", "b1"]),
                (1, ["--w-zp", "three.npy"]), (2, ["--w-type", "c8"]), (1, ["--layout", "nhwc"]),
                (1, ["--pads", "9223372036854775807,0,0,0"]), (1, ["--transpose", "--pads", "9,9,9,9"])]:
            if words != ["--pads", "1"]:
                self.leaves_nothing(rc, "conv", "x.npy", "w.npy", *words)
        self.leaves_nothing(1, "conv", "m.npy", "w.npy")
        for name, dtype, value in [("wide.npy", "<i8", 1 << 32), ("high.npy", "<u8", (1 << 63) + 1)]:
            save(name, dtype, (2, 1), [value, value])
            self.leaves_nothing(1, "gemm", "m.npy", "m.npy", "--group", "2", "--a-group-scale", name)
            save(name, dtype, (2,), [value, value])
            self.leaves_nothing(1, "gemm", "m.npy", "m.npy", "--b-zp", name)
        self.leaves_nothing(1, "gemm", "m.npy", "m.npy", "--requant", "floor-shift", "--multiplier", "1", "--shift", "0", "--add", "high.npy")
        self.leaves_nothing(1, "gemm", "m.npy", "m.npy", "--a-zp", "99999999999999999999")
        for option in ["--a-type", "--b-type"]:
            self.expect("takes s8, u8, s4" in self.run("gemm", "m.npy", "m.npy", "-o", "none.npy", option, "s16", rc=2).stderr, option)


if __name__ == "__main__":
    xq_case.main(Data, sys.argv[1:])
