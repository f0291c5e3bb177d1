#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""DynamicQuantizeLinear, MatMulInteger and ConvInteger against plain loops, on the device.

usage: test_onnx_integers.py XQ... Prints KTAP. Needs nothing but Python.
"""
import math
import os
import random
import struct
import sys
from itertools import product

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../fuzz"))
import onnx_file as onnx  # noqa: E402
import write_onnx_seeds as seeds  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

RANGE = {onnx.UINT8: (0, 255), onnx.INT8: (-128, 127)}
BOTH = ["both"]
LARGEST = onnx.node("ReduceMax", ["x"], ["zx"], keepdims=0)
QUANTIZE = onnx.node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])
CODE = {onnx.UINT8: "|u1", onnx.INT8: "|i1", onnx.FLOAT: "<f4"}


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def wrapped(x):
    return (x + 2 ** 31) % 2 ** 32 - 2 ** 31


def quantized(x):
    """(codes, scale, zero point) by ONNX's formula in float32."""
    low, high = min(0, *x), max(0, *x)
    scale = f32(f32(high - low) / 255) or 1.0
    zero = min(round(f32(-low / scale)), 255)
    return [min(max(round(f32(v / scale)) + zero, 0), 255) for v in x], scale, zero


class Conv:
    """A convolution of random sizes."""

    def __init__(self):
        self.groups, self.batch = random.choice([1, 1, 2, 3]), random.randrange(1, 3)
        self.channels, self.out = (self.groups * random.randrange(1, 4) for _ in range(2))
        self.kernel = [random.randrange(1, 4) for _ in range(2)]
        self.strides = [random.randrange(1, 3) for _ in range(2)]
        self.dilations = [random.randrange(1, 3) for _ in range(2)]
        self.pads = [random.randrange(0, 4) for _ in range(4)]
        reach = [(self.kernel[d] - 1) * self.dilations[d] + 1 for d in range(2)]
        self.size = [random.randrange(reach[d], 10) for d in range(2)]
        padded = [self.size[d] + self.pads[d] + self.pads[2 + d] for d in range(2)]
        self.to = [(padded[d] - reach[d]) // self.strides[d] + 1 for d in range(2)]
        self.x_shape = (self.batch, self.channels, *self.size)
        self.w_shape = (self.out, self.channels // self.groups, *self.kernel)
        self.y_shape = (self.batch, self.out, *self.to)
        self.attributes = {"group": self.groups, "strides": self.strides,
                           "dilations": self.dilations, "pads": self.pads}

    def accumulators(self, x, w, zx, zw):
        made, per = [], self.channels // self.groups
        for b, o, i, j in product(*map(range, self.y_shape)):
            acc = 0
            for c, k, m in product(range(per), *map(range, self.kernel)):
                channel = b * self.channels + o // (self.out // self.groups) * per + c
                h = i * self.strides[0] + k * self.dilations[0] - self.pads[0]
                v = j * self.strides[1] + m * self.dilations[1] - self.pads[1]
                if 0 <= h < self.size[0] and 0 <= v < self.size[1]:
                    at = ((o * per + c) * self.kernel[0] + k) * self.kernel[1] + m
                    pixel = (channel * self.size[0] + h) * self.size[1] + v
                    acc += (x[pixel] - zx) * (w[at] - zw[o])
            made.append(wrapped(acc))
        return made


class Product:
    """A series of products of random sizes."""

    def __init__(self, rows=0):
        self.k, self.out = random.randrange(1, 40), random.randrange(1, 20)
        lead = random.randrange(0, 3)
        self.lead = [rows] if rows else [random.randrange(1, 6) for _ in range(lead)]
        self.x_shape, self.y_shape = (*self.lead, self.k), (*self.lead, self.out)
        self.w_shape = (self.k, self.out)
        self.attributes = {}

    def accumulators(self, x, w, zx, zw):
        rows = len(x) // self.k
        zx = zx if isinstance(zx, list) else [zx] * rows
        return [wrapped(sum((x[r * self.k + k] - zx[r]) * (w[k * self.out + n] - zw[n])
                            for k in range(self.k)))
                for r in range(rows) for n in range(self.out)]


def count(shape):
    n = 1
    for d in shape:
        n *= d
    return n


class Tests(Base):
    names = ("known_zero_points", "computed_zero_points", "found_with_the_scale", "quantization",
             "zeros_of_rows", "two_zero_points", "in_batches", "large_sums", "zero_points_of_another_type", "scales_that_are_no_numbers")

    def case(self, layer, kind, w_kind, each):
        """Weights and their zero points: constants of the file."""
        self.kind = "ConvInteger" if isinstance(layer, Conv) else "MatMulInteger"
        self.w = [random.randint(*RANGE[w_kind]) for _ in range(count(layer.w_shape))]
        self.zw = [random.randint(*RANGE[w_kind]) for _ in range(layer.out)]
        self.zw = self.zw if each else self.zw[:1] * layer.out
        self.x = [random.randint(*RANGE[kind]) for _ in range(count(layer.x_shape))]
        shape = (layer.out,) if each else ()
        return [onnx.tensor("w", w_kind, layer.w_shape, self.w),
                onnx.tensor("zw", w_kind, shape, self.zw[:count(shape)])]

    def cases(self, times):
        for i in range(times):
            layer = Conv() if i % 2 else Product()
            kind, w_kind = random.choice(list(RANGE)), random.choice(list(RANGE))
            yield layer, kind, self.case(layer, kind, w_kind, random.random() < 0.5)

    def write(self, layer, kind, nodes, constants, **outputs):
        """Of an input x, and outputs of types that are given: of the layer's shape, or scalars."""
        shapes = {onnx.INT32: layer.y_shape}
        ends = [onnx.value(name, t, shapes.get(t, ())) for name, t in outputs.items()]
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, [onnx.value("x", kind, layer.x_shape)], ends, constants))

    def node(self, layer, inputs, output="y"):
        return onnx.node(self.kind, inputs, [output], **layer.attributes)

    def compute(self, layer, kind, x, outputs=1, more=()):
        save("x.npy", CODE[kind], layer.x_shape, x)
        words = [w for i in range(outputs) for w in ("-o", "y%d.npy" % i)]
        self.run("run", "m.onnx", "--input", "x.npy", *words, "--device", "soft", *more)
        return [load("y%d.npy" % i)[2] for i in range(outputs)]

    def placed(self, kind, where):
        operators = self.json("show", "m.onnx", "--device", "soft")["operators"]
        found = [o["where"] for o in operators if o["type"] == kind]
        self.expect(found and all(f in where for f in found), "%s runs: %s" % (kind, found))

    def compare(self, got, want, layer, what):
        wrong = [(i, g, w) for i, (g, w) in enumerate(zip(got, want)) if g != w]
        text = "%s %s: %d of %d elements, %s"
        self.expect(len(got) == len(want) and not wrong,
                    text % (what, vars(layer), len(wrong), len(want), wrong[:3]))

    def known_zero_points(self):
        for layer, kind, constants in self.cases(24):
            zx = random.randint(*RANGE[kind])
            left_out = random.random() < 0.3
            inputs = ["x", "w"] if left_out else ["x", "w", "zx", "zw"]
            self.write(layer, kind, [self.node(layer, inputs)],
                       constants + [onnx.tensor("zx", kind, (), [zx])], y=onnx.INT32)
            zeros = (0, [0] * layer.out) if left_out else (zx, self.zw)
            want = layer.accumulators(self.x, self.w, *zeros)
            self.compare(self.compute(layer, kind, self.x)[0], want, layer, self.kind)
            self.placed(self.kind, ["device"])

    def computed_zero_points(self):
        """The largest element, which the CPU finds."""
        for layer, kind, constants in self.cases(24):
            self.write(layer, kind, [LARGEST, self.node(layer, ["x", "w", "zx", "zw"])], constants,
                       y=onnx.INT32)
            want = layer.accumulators(self.x, self.w, max(self.x), self.zw)
            self.compare(self.compute(layer, kind, self.x)[0], want, layer, self.kind)
            self.placed(self.kind, BOTH)

    def found_with_the_scale(self):
        for layer, _, constants in self.cases(24):
            x = [f32(random.uniform(-3, 5)) for _ in range(count(layer.x_shape))]
            codes, scale, zero = quantized(x)
            self.write(layer, onnx.FLOAT, [QUANTIZE, self.node(layer, ["q", "w", "z", "zw"])],
                       constants, y=onnx.INT32, s=onnx.FLOAT)
            got, scales = self.compute(layer, onnx.FLOAT, x, 2)
            self.compare(got, layer.accumulators(codes, self.w, zero, self.zw), layer, self.kind)
            self.expect(scales[0] == scale, "the scale is %r, not %r" % (scales[0], scale))
            self.placed("DynamicQuantizeLinear", ["device"])
            self.placed(self.kind, ["device"] if isinstance(layer, Product) else BOTH)

    def quantization(self):
        layer = Product()
        layer.x_shape = (3, 5, 7)
        with open("m.onnx", "wb") as f:
            ends = [("q", onnx.UINT8, layer.x_shape), ("s", onnx.FLOAT, ()), ("z", onnx.UINT8, ())]
            f.write(onnx.model([QUANTIZE], [onnx.value("x", onnx.FLOAT, layer.x_shape)],
                               [onnx.value(*end) for end in ends], []))
        for low, high in ((-1, 1), (0, 0), (2, 9), (-9, -2), (-1e-30, 3e-30), (-1e30, 1), (-255, 0),
                          (0, 510)):
            x = [f32(random.uniform(low, high)) for _ in range(count(layer.x_shape))]
            x[0], x[50] = f32(low), f32(high)
            # Halves between two codes, if the scale is a whole number.
            x[1:10] = [f32(low + (high - low) / 255 * (i + 0.5)) for i in range(9)]
            q, s, z = self.compute(layer, onnx.FLOAT, x, 3)
            self.compare(q, quantized(x)[0], layer, "codes of %g to %g" % (low, high))
            self.expect((s[0], z[0]) == quantized(x)[1:],
                        "of %g to %g: %s, not %s" % (low, high, (s, z), quantized(x)[1:]))
        self.placed("DynamicQuantizeLinear", ["device"])

    def zeros_of_rows(self):
        layer = Product(rows=5)
        constants = self.case(layer, onnx.UINT8, onnx.INT8, True)
        zx = [random.randrange(256) for _ in range(5)]
        self.write(layer, onnx.UINT8, [self.node(layer, ["x", "w", "zx", "zw"])],
                   constants + [onnx.tensor("zx", onnx.UINT8, (5,), zx)], y=onnx.INT32)
        self.compare(self.compute(layer, onnx.UINT8, self.x)[0],
                     layer.accumulators(self.x, self.w, zx, self.zw), layer, "rows")
        self.placed("MatMulInteger", ["device"])

    def two_zero_points(self):
        """The same integers and weights with others, and as real numbers besides."""
        for layer in Product(), Conv(), Conv():
            constants = self.case(layer, onnx.UINT8, onnx.INT8, False)
            nodes = [self.node(layer, ["x", "w", "zx", "zw"]),
                     self.node(layer, ["x", "w", "other"], "z"),
                     onnx.node("DequantizeLinear", ["x", "s", "third"], ["real"])]
            more = [onnx.tensor(name, onnx.UINT8, (), [z])
                    for name, z in (("zx", 200), ("other", 7), ("third", 100))]
            ends = [onnx.value("y", onnx.INT32, layer.y_shape),
                    onnx.value("z", onnx.INT32, layer.y_shape),
                    onnx.value("real", onnx.FLOAT, layer.x_shape)]
            with open("m.onnx", "wb") as f:
                f.write(onnx.model(nodes, [onnx.value("x", onnx.UINT8, layer.x_shape)], ends,
                                   constants + more + [onnx.tensor("s", onnx.FLOAT, (), [0.5])]))
            y, z, real = self.compute(layer, onnx.UINT8, self.x, 3)
            self.compare(y, layer.accumulators(self.x, self.w, 200, self.zw), layer, "the first")
            want = layer.accumulators(self.x, self.w, 7, [0] * layer.out)
            self.compare(z, want, layer, "the second")
            self.compare(real, [(v - 100) * 0.5 for v in self.x], layer, "real numbers")

    def in_batches(self):
        """Rows of one zero point go through together, but not if it is found for all."""
        layer = Product(rows=1)
        constants = self.case(layer, onnx.UINT8, onnx.INT8, True)
        node = self.node(layer, ["x", "w", "zx", "zw"])
        self.write(layer, onnx.UINT8, [node], constants + [onnx.tensor("zx", onnx.UINT8, (), [9])],
                   y=onnx.INT32)
        layer.x_shape = (6, layer.k)
        x = [random.randrange(256) for _ in range(6 * layer.k)]
        want = layer.accumulators(x, self.w, 9, self.zw)
        got = self.compute(layer, onnx.UINT8, x, 1, ("--batch", "3"))[0]
        self.compare(got, want, layer, "batches")
        layer.x_shape = (1, layer.k)
        self.write(layer, onnx.UINT8, [LARGEST, node], constants, y=onnx.INT32)
        layer.x_shape = (6, layer.k)
        rows = [x[i * layer.k:(i + 1) * layer.k] for i in range(6)]
        want = [v for row in rows for v in layer.accumulators(row, self.w, max(row), self.zw)]
        self.compare(self.compute(layer, onnx.UINT8, x)[0], want, layer, "one row at a time")

    def large_sums(self):
        """Accumulators wrap in 32 bits, zero point or not."""
        layer = Product(rows=2)
        layer.k, layer.out = 40000, 1
        layer.x_shape, layer.w_shape, layer.y_shape = (2, 40000), (40000, 1), (2, 1)
        w = [255] * 40000
        self.write(layer, onnx.UINT8, [onnx.node("ReduceMin", ["x"], ["zx"], keepdims=0),
                                       onnx.node("MatMulInteger", ["x", "w", "zx", "zw"], ["y"])],
                   [onnx.tensor("w", onnx.UINT8, layer.w_shape, w),
                    onnx.tensor("zw", onnx.UINT8, (), [0])], y=onnx.INT32)
        x = [1] * 40000 + [255] * 40000
        want = layer.accumulators(x, w, 1, [0])
        self.compare(self.compute(layer, onnx.UINT8, x)[0], want, layer, "sums")

    def zero_points_of_another_type(self):
        """A difference from one of 32 bits would overflow where products are summed."""
        wide = seeds.one(-16776708, onnx.INT32)
        x, w = seeds.x(2, 3, kind=onnx.UINT8), seeds.c(2, 3, 2, kind=onnx.INT8)
        image, taps = seeds.x(1, 2, 4, 4, kind=onnx.UINT8), seeds.CODES
        scale, zero, even = seeds.SCALE, seeds.ZERO, seeds.EVEN
        cases = [("MatMulInteger", (x, w, wide, even)), ("MatMulInteger", (x, w, zero, wide)), ("ConvInteger", (image, taps, wide)),
                 ("ConvInteger", (image, taps, zero, wide)), ("QLinearMatMul", (x, scale, wide, w, scale, even, scale, zero)),
                 ("QLinearMatMul", (x, scale, zero, w, scale, wide, scale, zero)),
                 ("QLinearConv", (image, scale, wide, taps, scale, even, scale, zero)),
                 ("QLinearConv", (image, scale, zero, taps, scale, wide, scale, zero)), ("DequantizeLinear", (x, scale, wide))]
        cases = [("", kind, operands) for kind, operands in cases]
        cases.append((seeds.MS, "QGemm", (x, scale, wide, w, scale, even, None, scale, zero)))
        cases += [(seeds.MS, kind, (x, scale, wide, seeds.c(3, 3, kind=onnx.UINT8), scale, zero, scale, zero))
                  for kind in ("QLinearAdd", "QLinearMul")]
        for domain, kind, operands in cases:
            with open("m.onnx", "wb") as f:
                f.write(seeds.single(kind, *operands, domain=domain))
            size = math.prod(operands[0][2])
            save("x.npy", "|u1", operands[0][2], [7] * size)
            p = self.run("run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft", rc=1)
            self.expect(p.stderr.count("\n") == 1 and "zero point" in p.stderr and kind in p.stderr, "%s: %r" % (kind, p.stderr))

    def scales_that_are_no_numbers(self):
        """Given with the inputs, so that the file says nothing of them: what is no number becomes 0, as in QuantizeLinear."""
        with open("m.onnx", "wb") as f:
            f.write(seeds.single("QLinearMatMul", seeds.x(1, 2, kind=onnx.UINT8), seeds.SCALE, seeds.ZERO,
                                 seeds.c([1, -1, 2, 1], 2, 2, kind=onnx.INT8), seeds.x(), seeds.EVEN, seeds.SCALE, seeds.EVEN))
        save("x.npy", "|u1", (1, 2), [5, 5])
        for scale, want in (math.nan, (0, 0)), (math.inf, (127, 0)), (-math.inf, (-128, 0)), (0.5, (3, 0)):
            save("s.npy", "<f4", (), [scale])
            self.run("run", "m.onnx", "--input", "x.npy", "--input", "s.npy", "-o", "y.npy", "--device", "soft")
            got = load("y.npy")[2]
            self.expect(got == want, "scale %g: %s, not %s" % (scale, got, want))


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
