#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Transpositions that need not be computed: which are left of a model, and that its results are the same.

usage: test_onnx_transpositions.py XQ... Prints KTAP. Needs nothing but Python.
"""
import itertools
import math
import os
import random
import resource
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

SHAPE, LAST, FIRST, TURNED = (2, 3, 4, 5), (0, 2, 3, 1), (0, 3, 1, 2), (1, 0, 3, 2)
SCALE, ZERO = 0.25, 3


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def shape_of(shape, order):
    return tuple(shape[d] for d in order)


def transposed(values, shape, order):
    """(values, shape) with dimension d being dimension order[d]."""
    step = [math.prod(shape[d + 1:]) for d in range(len(shape))]
    to = shape_of(shape, order)
    return [values[sum(i * step[order[d]] for d, i in enumerate(at))] for at in itertools.product(*map(range, to))], to


def turn(x, y, order):
    return onnx.node("Transpose", [x], [y], perm=list(order))


class Tests(Base):
    names = ("inverse_pair", "pair_in_one", "of_an_output", "read_twice", "through_functions", "through_quantization", "not_through",
             "scales_of_channels", "nothing_moved", "dimensions_of_one", "before_a_product", "weights_for_two", "other_rows",
             "many")

    def write(self, nodes, inputs, outputs, constants=()):
        if self.quantized:
            nodes = [onnx.node("QuantizeLinear", ["real", "s", "z"], ["x"]), *nodes]
        constants = [onnx.tensor("s", onnx.FLOAT, (), [SCALE]), onnx.tensor("z", onnx.UINT8, (), [ZERO]), *constants]
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, inputs, outputs, constants, 21))

    def input(self, quantized=False, shape=SHAPE):
        """An input x of real numbers; quantized: x is what the model makes of it by s and z, codes that are known."""
        count = math.prod(shape)
        self.quantized = quantized
        self.x = [random.randrange(256) for _ in range(count)] if quantized else [f32(random.uniform(-4, 4)) for _ in range(count)]
        save("x.npy", "<f4", shape, self.real(self.x) if quantized else self.x)
        return [onnx.value("real" if quantized else "x", onnx.FLOAT, shape)]

    def check(self, left, *want, where=None):
        """So many transpositions are left; outputs are (values, shape)."""
        moves = [o for o in self.json("show", "m.onnx", "--device", "soft")["operators"] if o["type"] == "Transpose"]
        self.expect(len(moves) == left, "%d transpositions are left, not %d" % (len(moves), left))
        for move in moves:
            self.expect(where is None or move["where"] == where, "one runs: %s" % move["where"])
        outputs = ["y%d.npy" % i for i in range(len(want))]
        self.run("run", "m.onnx", "--input", "x.npy", *[w for o in outputs for w in ("-o", o)], "--device", "soft")
        for output, (values, shape) in zip(outputs, want):
            got = load(output)
            self.expect(got[1] == tuple(shape) and list(got[2]) == list(values), "%s: %s, not %s" % (output, got[1:], (shape, values)))

    def real(self, values):
        return [SCALE * (v - ZERO) for v in values]

    def inverse_pair(self):
        x = self.input(True)
        self.write([turn("x", "a", LAST), turn("a", "b", FIRST), onnx.node("DequantizeLinear", ["b", "s", "z"], ["y"])], x,
                   [onnx.value("y", onnx.FLOAT, SHAPE)])
        self.check(0, (self.real(self.x), SHAPE))

    def pair_in_one(self):
        x = self.input(True)
        values, shape = transposed(*transposed(self.x, SHAPE, LAST), TURNED)
        self.write([turn("x", "a", LAST), turn("a", "b", TURNED), onnx.node("DequantizeLinear", ["b", "s", "z"], ["y"])], x,
                   [onnx.value("y", onnx.FLOAT, shape)])
        self.check(1, (self.real(values), shape))

    def of_an_output(self):
        x = self.input()
        self.write([turn("x", "a", LAST), turn("a", "y", FIRST)], x, [onnx.value("y", onnx.FLOAT, SHAPE)])
        self.check(1, (self.x, SHAPE))

    def read_twice(self):
        """The first of a pair stays, as it is an output; so does one whose output another operator reads."""
        x = self.input()
        values, shape = transposed(self.x, SHAPE, LAST)
        self.write([turn("x", "a", LAST), turn("a", "b", FIRST), onnx.node("Neg", ["b"], ["y"])], x,
                   [onnx.value("y", onnx.FLOAT, SHAPE), onnx.value("a", onnx.FLOAT, shape)])
        self.check(1, ([-v for v in self.x], SHAPE), (values, shape))
        self.write([turn("x", "a", LAST), onnx.node("Relu", ["a"], ["r"]), turn("r", "b", FIRST), onnx.node("Neg", ["b"], ["y"]),
                    onnx.node("Neg", ["r"], ["z2"])], x, [onnx.value("y", onnx.FLOAT, SHAPE), onnx.value("z2", onnx.FLOAT, shape)])
        self.check(2, ([-max(v, 0) for v in self.x], SHAPE), ([-max(v, 0) for v in values], shape))

    def through_functions(self):
        x = self.input()
        bounds = [onnx.tensor("low", onnx.FLOAT, (), [-1.0]), onnx.tensor("high", onnx.FLOAT, (), [2.5])]
        want = [abs(min(max(v, -1), 2.5)) for v in self.x]
        nodes = [turn("x", "a", LAST), onnx.node("Clip", ["a", "low", "high"], ["c"]), onnx.node("Abs", ["c"], ["d"]), turn("d", "b", FIRST)]
        self.write(nodes + [onnx.node("Neg", ["b"], ["y"])], x, [onnx.value("y", onnx.FLOAT, SHAPE)], bounds)
        self.check(0, ([-v for v in want], SHAPE))
        self.write(nodes, x, [onnx.value("b", onnx.FLOAT, SHAPE)], bounds)
        self.check(1, (want, SHAPE))

    def through_quantization(self):
        """From integers to real numbers and back to others: no step of it minds the place."""
        x = self.input(True)
        more = [onnx.tensor("s2", onnx.FLOAT, (1,), [0.5])]
        self.write([turn("x", "a", LAST), onnx.node("DequantizeLinear", ["a", "s2", ""], ["r"]), onnx.node("QuantizeLinear", ["r", "s", "z"], ["q"]),
                    turn("q", "b", FIRST), onnx.node("DequantizeLinear", ["b", "s", "z"], ["y"])], x, [onnx.value("y", onnx.FLOAT, SHAPE)], more)
        self.check(0, (self.real([min(2 * v + ZERO, 255) for v in self.x]), SHAPE))

    def not_through(self):
        """A pair that moves something in all, and what takes elements together."""
        x = self.input()
        values, shape = transposed(*transposed(self.x, SHAPE, LAST), TURNED)
        self.write([turn("x", "a", LAST), onnx.node("Abs", ["a"], ["r"]), turn("r", "b", TURNED), onnx.node("Neg", ["b"], ["y"])], x,
                   [onnx.value("y", onnx.FLOAT, shape)])
        self.check(2, ([-abs(v) for v in values], shape))
        self.write([turn("x", "a", LAST), onnx.node("ArgMax", ["a"], ["i"], axis=3, keepdims=1), turn("i", "b", FIRST)], x,
                   [onnx.value("b", onnx.INT64, (2, 1, 4, 5))])
        most = [max(range(3), key=lambda c: self.x[n * 60 + c * 20 + p]) for n in range(2) for p in range(20)]
        self.check(2, (most, (2, 1, 4, 5)))

    def scales_of_channels(self):
        x = self.input(True)
        scale = [0.5, 0.25, 2.0]
        self.write([turn("x", "a", LAST), onnx.node("DequantizeLinear", ["a", "sc"], ["r"], axis=3), turn("r", "b", FIRST),
                    onnx.node("Neg", ["b"], ["y"])], x, [onnx.value("y", onnx.FLOAT, SHAPE)], [onnx.tensor("sc", onnx.FLOAT, (3,), scale)])
        self.check(2, ([-scale[i // 20 % 3] * v for i, v in enumerate(self.x)], SHAPE))

    def nothing_moved(self):
        x = self.input()
        self.write([turn("x", "a", (0, 1, 2, 3)), onnx.node("Neg", ["a"], ["y"])], x, [onnx.value("y", onnx.FLOAT, SHAPE)])
        self.check(0, ([-v for v in self.x], SHAPE))

    def dimensions_of_one(self):
        for shape, order, where in ((1, 1, 4, 5), LAST, "-"), ((1, 6, 1, 1), LAST, "-"), ((1, 2, 4, 5), LAST, "device"):
            x = self.input(True, shape)
            values, to = transposed(self.x, shape, order)
            self.write([turn("x", "a", order), onnx.node("DequantizeLinear", ["a", "s", "z"], ["y"])], x, [onnx.value("y", onnx.FLOAT, to)])
            self.check(1, (self.real(values), to), where=where)
            self.write([turn("x", "y", order)], x, [onnx.value("y", onnx.UINT8, to)])
            self.check(1, (values, to))

    def product(self, x, shape, w, n):
        """Codes of the product with w [k][n] by QGemm, whose scales are powers of two."""
        k = math.prod(shape[1:])
        sums = [[sum((x[m * k + i] - ZERO) * w[i * n + j] for i in range(k)) for j in range(n)] for m in range(shape[0])]
        return [min(max(round(v / 64) + ZERO, 0), 255) for row in sums for v in row]

    def gemm(self, x, y):
        return onnx.node("QGemm", [x, "s", "z", "w", "sw", "zw", "", "sy", "z"], [y], transB=0) + onnx.field(7, "com.microsoft")

    def before_a_product(self):
        n = 7
        for shape, order, kind in (SHAPE, FIRST, "Flatten"), (SHAPE, LAST, "Reshape"), (SHAPE, (0, 3, 2, 1), "Reshape"), ((3, 4, 6), (0, 2, 1), "Flatten"):
            x, k = self.input(True, shape), math.prod(shape[1:])
            w = [random.randrange(-127, 128) for _ in range(k * n)]
            more = [onnx.tensor("w", onnx.INT8, (k, n), w), onnx.tensor("sw", onnx.FLOAT, (), [2.0 ** -6]), onnx.tensor("zw", onnx.INT8, (), [0]),
                    onnx.tensor("sy", onnx.FLOAT, (), [SCALE]), onnx.tensor("rows", onnx.INT64, (2,), [0, -1])]
            reshape = onnx.node(kind, ["a", "rows"] if kind == "Reshape" else ["a"], ["f"])
            self.write([turn("x", "a", order), reshape, self.gemm("f", "y")], x, [onnx.value("y", onnx.UINT8, (shape[0], n))], more)
            self.check(0, (self.product(*transposed(self.x, shape, order), w, n), (shape[0], n)))

    def weights_for_two(self):
        """The other product has the weights as they were."""
        n, k = 5, math.prod(SHAPE[1:])
        x, w = self.input(True), [random.randrange(-127, 128) for _ in range(k * n)]
        more = [onnx.tensor("w", onnx.INT8, (k, n), w), onnx.tensor("sw", onnx.FLOAT, (), [2.0 ** -6]), onnx.tensor("zw", onnx.INT8, (), [0]),
                onnx.tensor("sy", onnx.FLOAT, (), [SCALE])]
        self.write([turn("x", "a", FIRST), onnx.node("Flatten", ["a"], ["f"]), self.gemm("f", "y"), onnx.node("Flatten", ["x"], ["g"]),
                    self.gemm("g", "v")], x, [onnx.value("y", onnx.UINT8, (2, n)), onnx.value("v", onnx.UINT8, (2, n))], more)
        self.check(0, (self.product(*transposed(self.x, SHAPE, FIRST), w, n), (2, n)), (self.product(self.x, SHAPE, w, n), (2, n)))

    def other_rows(self):
        """What makes rows of parts of others, or of others together, stays; so does what is an output."""
        n = 4
        for rows, k in (4, 30), (1, 120):
            x, w = self.input(True), [random.randrange(-127, 128) for _ in range(k * n)]
            more = [onnx.tensor("w", onnx.INT8, (k, n), w), onnx.tensor("sw", onnx.FLOAT, (), [2.0 ** -6]), onnx.tensor("zw", onnx.INT8, (), [0]),
                    onnx.tensor("sy", onnx.FLOAT, (), [SCALE]), onnx.tensor("rows", onnx.INT64, (2,), [rows, k])]
            self.write([turn("x", "a", FIRST), onnx.node("Reshape", ["a", "rows"], ["f"]), self.gemm("f", "y")], x,
                       [onnx.value("y", onnx.UINT8, (rows, n))], more)
            values = transposed(self.x, SHAPE, FIRST)[0]
            self.check(1, (self.product(values, (rows, k), w, n), (rows, n)))
        x, k, values = self.input(True), 60, transposed(self.x, SHAPE, FIRST)[0]
        w = [random.randrange(-127, 128) for _ in range(k * n)]
        values = transposed(self.x, SHAPE, FIRST)[0]
        more = [onnx.tensor("w", onnx.INT8, (k, n), w), *more[1:4]]
        self.write([turn("x", "a", FIRST), onnx.node("Flatten", ["a"], ["f"]), self.gemm("f", "y")], x,
                   [onnx.value("y", onnx.UINT8, (2, n)), onnx.value("f", onnx.UINT8, (2, k))], more)
        self.check(1, (self.product(values, (2, k), w, n), (2, n)), (values, (2, k)))

    def many(self):
        """A small file of them takes a time that grows with it, and not with its square: that would be a minute of a processor."""
        count, limit = 50000, resource.getrlimit(resource.RLIMIT_CPU)
        x = self.input(shape=(2, 3))
        self.write([turn("x" if i == 0 else "t%d" % i, "y" if i == count - 1 else "t%d" % (i + 1), (1, 0)) for i in range(count)], x,
                   [onnx.value("y", onnx.FLOAT, (2, 3))])
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(sum(os.times()[:2])) + 20, limit[1]))
            self.check(1, (self.x, (2, 3)))
        finally:
            resource.setrlimit(resource.RLIMIT_CPU, limit)


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
