#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq pool, add, mul and softmax as commands: figures computed by hand, broadcasting, and what must be refused.

usage: test_xq_operators.py XQ..., for instance with and without sanitizers. Prints KTAP. Needs nothing but Python; the numbers at large are the unit tests' business.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import load, save  # noqa: E402

TFLITE_ADD = ["--requant", "tflite", "--left-shift", "20", "--a-multiplier", "1073741824", "--a-shift", "0", "--b-multiplier", "1073741824",
              "--b-shift", "0", "--multiplier", "1073741824", "--shift", "-18"]


class Operators(xq_case.Tests):
    names = ("pools", "sums", "products", "softmax", "refuses")

    def gives(self, want, *words):
        self.run(*words, "-o", "y.npy", "--device", "soft")
        self.expect(load("y.npy") == want, "xq %s: %r, not %r" % (" ".join(words), load("y.npy"), want))

    def pools(self):
        save("x.npy", "|i1", (1, 1, 3, 4), [1, 2, 3, 4, -5, -6, -7, -8, 9, 10, 11, 13])
        self.gives(("|i1", (1, 1, 2, 3), (2, 3, 4, 10, 11, 13)), "pool", "x.npy", "--kind", "max", "--kernel", "2,2")
        # -8 / 4 = -2, 8 / 4 = 2, 9 / 4 to nearest
        self.gives(("|i1", (1, 1, 2, 2), (-2, -2, 2, 2)), "pool", "x.npy", "--kind", "average", "--kernel", "2", "--strides", "1,2")
        # A corner has one element inside; halves go away from zero: (1 + 2) / 2, (-5 - 6 + 1 + 2) / 4
        self.gives(("|i1", (1, 1, 4, 5), (1, 2, 3, 4, 4, -2, -2, -2, -2, -2, 2, 2, 2, 2, 3, 9, 10, 11, 12, 13)),
                   "pool", "x.npy", "--kind", "average", "--kernel", "2", "--pads", "1,1,1,1")
        self.gives(("|i1", (1, 1, 2, 3), (2, 3, 3, 3, 3, 3)), "pool", "x.npy", "--kind", "max", "--kernel", "2", "--act-max", "3")
        save("u.npy", "|u1", (1, 2, 2, 2), [0, 200, 10, 255, 20, 3, 30, 4])
        self.gives(("|u1", (1, 1, 1, 2), (30, 255)), "pool", "u.npy", "--kind", "max", "--kernel", "2", "--layout", "nhwc")
        self.gives(("|u1", (1, 1, 1, 2), (15, 116)), "pool", "u.npy", "--kind", "average", "--kernel", "2", "--layout", "nhwc")

    def sums(self):
        save("a.npy", "|i1", (2, 3), [1, 2, 3, -4, -5, 127])
        save("b.npy", "|i1", (3,), [10, 0, 100])
        self.gives(("|i1", (2, 3), (11, 2, 103, 6, -5, 127)), "add", "a.npy", "b.npy", *TFLITE_ADD)
        self.gives(("|i1", (2, 3), (11, 2, 103, 6, -5, 127)), "add", "a.npy", "b.npy", "--requant", "tflite", "--a-scale", "1",
                   "--b-scale", "1", "--y-scale", "1")
        # 0.5 + 0.25 = 0.75, / 0.5 = 1.5 to even 2; 2.5 to even 2
        save("c.npy", "|u1", (2, 1), [1, 2])
        save("d.npy", "|u1", (2,), [1, 3])
        self.gives(("|u1", (2, 2), (5, 5, 5, 7)), "add", "c.npy", "d.npy", "--requant", "onnx", "--a-scale", "0.5", "--b-scale", "0.25",
                   "--y-scale", "0.5", "--y-zp", "3", "--y-type", "u8")
        # (1 * 3 + 1) >> 1 = 2, saturated to 255 before and after
        self.gives(("|u1", (2, 2), (3, 5, 4, 6)), "add", "c.npy", "d.npy", "--requant", "floor-shift", "--a-multiplier", "3", "--a-add", "1",
                   "--a-shift", "1", "--b-multiplier", "1", "--b-shift", "0", "--y-type", "u8")
        self.gives(("|i1", (0, 3), ()), "add", save("none_a.npy", "|i1", (0, 3), []), "b.npy", *TFLITE_ADD)
        self.gives(("|i1", (), (3,)), "add", save("s1.npy", "|i1", (), [1]), save("s2.npy", "|i1", (), [2]), *TFLITE_ADD)

    def products(self):
        save("a.npy", "|i1", (2, 1), [6, -6])
        save("b.npy", "|i1", (1, 2), [10, 3])
        self.gives(("|i1", (2, 2), (30, 9, -30, -9)), "mul", "a.npy", "b.npy", "--requant", "tflite", "--multiplier", "1073741824", "--shift", "0")
        self.gives(("|i1", (2, 2), (31, 10, -29, -8)), "mul", "a.npy", "b.npy", "--requant", "tflite-single", "--multiplier", "1073741824",
                   "--shift", "0", "--y-zp", "1")
        # (6 - 1) * 10 / 4 = 12.5 to even; away from zero for TFLite
        scales = ["--a-scale", "0.5", "--b-scale", "0.5", "--y-scale", "1", "--a-zp", "1"]
        self.gives(("|i1", (2, 2), (12, 4, -18, -5)), "mul", "a.npy", "b.npy", "--requant", "onnx", *scales)
        self.gives(("|i1", (2, 2), (13, 4, -18, -5)), "mul", "a.npy", "b.npy", "--requant", "tflite", *scales)

    def softmax(self):
        save("x.npy", "|i1", (2, 2), [0, 0, 100, -100])
        self.gives(("|i1", (2, 2), (0, 0, 127, -128)), "softmax", "x.npy", "--x-scale", "0.1")
        self.gives(("|i1", (2, 2), (0, 0, 0, 0)), "softmax", "x.npy", "--x-scale", "0.1", "--beta", "0.000001")

    def refuses(self):
        save("x.npy", "|i1", (1, 2, 4, 4), range(32))
        save("f.npy", "<f4", (1, 2, 4, 4), [0] * 32)
        save("m.npy", "|i1", (2, 3), range(6))
        pool = ["--kind", "max", "--kernel", "2"]
        for rc, words in [
                (2, ["x.npy", "--kind", "max"]), (2, ["x.npy", "--kernel", "2"]), (2, ["x.npy", "--kind", "odd", "--kernel", "2"]),
                (2, ["x.npy", *pool, "--layout", "odd"]), (1, ["x.npy", "--kind", "max", "--kernel", "5"]), (1, ["x.npy", "--kind", "max", "--kernel", "0"]),
                (1, ["x.npy", *pool, "--strides", "0"]), (1, ["x.npy", *pool, "--pads", "-1,0,0,0"]), (1, ["m.npy", *pool]), (1, ["f.npy", *pool]),
                (1, ["x.npy", *pool, "--act-min", "128"]), (1, ["x.npy", *pool, "--act-min", "5", "--act-max", "4"]),
                (1, ["x.npy", *pool, "--pads", "9223372036854775807,0,0,0"]), (1, ["x.npy", *pool, "--pads", "99999999,0,0,0"]),
                (1, ["x.npy", *pool, "--device", "/nonexistent"]), (1, ["none", *pool]), (2, [*pool])]:
            self.leaves_nothing(rc, "pool", *words)
        scales = ["--a-scale", "1", "--b-scale", "1", "--y-scale", "1"]
        for rc, words in [
                (2, []), (2, ["--requant", "odd"]), (2, ["--requant", "onnx"]), (2, ["--requant", "onnx", *scales, "--shift", "1"]),
                (2, ["--requant", "tflite", *scales, "--multiplier", "1"]), (2, ["--requant", "tflite", "--multiplier", "1"]),
                (1, ["--requant", "onnx", *scales[:-1], "0"]), (1, ["--requant", "tflite", *scales[:-1], "nan"]),
                (1, ["--requant", "onnx", *scales, "--a-zp", "99999"]), (1, ["--requant", "onnx", *scales, "--y-zp", "99999"]),
                (2, ["--requant", "onnx", *scales, "--y-type", "s4"]), (1, ["--requant", "onnx", *scales, "--act-max", "-129"]),
                (1, ["--requant", "onnx", *scales, "--device", "/nonexistent"])]:
            self.leaves_nothing(rc, "add", "m.npy", "m.npy", *words)
            self.leaves_nothing(rc, "mul", "m.npy", "m.npy", *words)
        for rc, words in [
                (2, ["--requant", "floor-shift", *scales]), (2, ["--requant", "floor-shift", "--a-multiplier", "1", "--a-shift", "1"]),
                (2, [*TFLITE_ADD, "--a-add", "1"]), (1, [*TFLITE_ADD, "--a-shift", "31"]), (1, [*TFLITE_ADD, "--left-shift", "31"]),
                (1, [*TFLITE_ADD, "--a-zp", "3000"])]:
            self.leaves_nothing(rc, "add", "m.npy", "m.npy", *words)
        self.leaves_nothing(1, "add", "m.npy", "x.npy", "--requant", "onnx", *scales)
        self.leaves_nothing(1, "mul", "m.npy", "f.npy", "--requant", "onnx", *scales)
        self.leaves_nothing(2, "mul", "m.npy", "m.npy", "--requant", "floor-shift", "--multiplier", "1", "--shift", "0")
        save("u.npy", "|u1", (2,), [1, 2])
        fixed = ["--multiplier", "1", "--shift", "1", "--diff-min"]
        for rc, words in [
                (2, ["m.npy"]), (2, ["m.npy", "--x-scale", "1", "--shift", "1"]), (2, ["m.npy", *fixed[:-1]]), (1, ["m.npy", *fixed, "1"]),
                (1, ["m.npy", "--x-scale", "0"]), (1, ["m.npy", "--x-scale", "nan"]), (1, ["u.npy", "--x-scale", "1"]),
                (1, ["m.npy", *fixed, "0", "--shift", "32"]), (2, ["m.npy", *fixed, "0", "--beta", "1"]), (1, ["m.npy", "--x-scale", "m.npy"]),
                (1, ["m.npy", "--x-scale", "1", "--device", "/nonexistent"])]:
            self.leaves_nothing(rc, "softmax", *words)


if __name__ == "__main__":
    xq_case.main(Operators, sys.argv[1:])
