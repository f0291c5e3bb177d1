#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq convert: every type of weights with every type of activations and every way to share scales.

What comes of a pair is computed here from the file alone, node by node as ONNX and Documentation/models.rst say, and its integers are
those of xq run; a pair that does not exist is refused by a sentence.

usage: test_xq_convert_types.py XQ... Prints KTAP. Needs nothing but Python.
"""
import itertools
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

WEIGHTS = ("s8", "s4", "s2", "t2", "b1", "c4")
SHARED = ("tensor", "channel", "group:2")
ACTIVATIONS = ("u8", "s8", "s4", "b1")
LEAST = {onnx.UINT8: 0, onnx.INT8: -128}
ROWS = 5

# What single precision may add to a code, in codes: up to 255 of them, a few roundings of 2^-24, sums of some 30 products.
DOUBT = 3e-4


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def numbers(n, scale=1.0):
    return [f32(random.gauss(0, scale)) for _ in range(n)]


def whole_nodes(path):
    """[(kind, inputs, outputs, {attribute: integer or integers})] of a file, in its order."""
    with open(path, "rb") as f:
        graph = onnx.fields(onnx.fields(f.read())[7][0])
    nodes = []
    for raw in graph[1]:
        n, attributes = onnx.fields(raw), {}
        for a in map(onnx.fields, n.get(5, [])):
            got = a[3][0] if 3 in a else [v for part in a.get(8, []) for v in ([part] if isinstance(part, int) else part)]
            attributes[a[1][0].decode()] = got
        nodes.append((n[4][0].decode(), [i.decode() for i in n.get(1, [])], [o.decode() for o in n.get(2, [])], attributes))
    return nodes


class Reference:
    """A file of xq convert as a list of real numbers, for one row of its input. Codes are looked up as they were made."""

    def __init__(self, path, codes):
        self.nodes, self.constants, self.codes = whole_nodes(path), onnx.read(path)[2], codes
        self.wrong, self.compared, self.doubtful = [], 0, 0

    def run(self, row, x):
        self.at, self.row = {"x": ((4, 3, 3), x)}, row
        for kind, inputs, outputs, attributes in self.nodes:
            self.at[outputs[0]] = getattr(self, kind)(inputs, outputs[0], **attributes)

    def operand(self, name):
        return self.at[name] if name in self.at else self.constants[name][1:]

    def scales(self, shape, scale, axis, block):
        """The scale of each element."""
        dims, values = self.constants[scale][1:]
        if not dims:
            return values * math.prod(shape)
        inner = math.prod(shape[axis + 1:])
        place = range(math.prod(shape))
        if not block:
            return [values[i // inner % shape[axis]] for i in place]
        blocks = dims[axis]
        return [values[(i // inner // shape[axis] * blocks + i // inner % shape[axis] // block) * inner + i % inner] for i in place]

    def DequantizeLinear(self, inputs, _, axis=1, block_size=0):
        zero = self.constants[inputs[2]][2][0] if len(inputs) > 2 else 0
        shape, codes = self.operand(inputs[0])
        return shape, [(q - zero) * s for q, s in zip(codes, self.scales(shape, inputs[1], axis, block_size))]

    def DequantizeCodebook(self, inputs, _, axis=1, block_size=0):
        shape, codes = self.operand(inputs[0])
        table = self.constants[inputs[1]][2]
        return shape, [table[q] * s for q, s in zip(codes, self.scales(shape, inputs[2], axis, block_size))]

    def DequantizeBinary(self, inputs, _, shape=(), axis=1, block_size=0):
        shape, bits = tuple(shape), self.constants[inputs[0]][2]
        return shape, [s if bits[i // 8] >> i % 8 & 1 else -s for i, s in enumerate(self.scales(shape, inputs[1], axis, block_size))]

    def QuantizeLinear(self, inputs, output):
        """Of what is computed here, and of what xq run has, which goes on."""
        (shape, values), scale, (kind, _, zero) = self.operand(inputs[0]), self.constants[inputs[1]][2][0], self.constants[inputs[2]]
        count = len(values)
        got = self.codes[output][self.row * count:(self.row + 1) * count]
        for x, q in zip(values, got):
            if x is None:
                self.doubtful += 1
                continue
            want = min(max(x / scale + zero[0], LEAST[kind]), LEAST[kind] + 255)
            self.compared += 1
            self.doubtful += abs(abs(want - math.floor(want)) - 0.5) <= DOUBT
            if abs(want - q) > 0.5 + DOUBT:
                self.wrong.append("%s: %g is code %d" % (output, want, q))
        return shape, list(got)

    def Relu(self, inputs, _):
        shape, x = self.operand(inputs[0])
        return shape, [max(v, 0) for v in x]

    def Flatten(self, inputs, _):
        shape, x = self.operand(inputs[0])
        return (math.prod(shape),), x

    def Clip(self, inputs, _):
        shape, x = self.operand(inputs[0])
        low, high = (self.constants[i][2][0] for i in inputs[1:])
        return shape, [min(max(v, low), high) for v in x]

    def Less(self, inputs, _):
        """None if that is for single precision to say: integers can add up to just the limit."""
        shape, x = self.operand(inputs[0])
        limit = self.constants[inputs[1]][2][0]
        return shape, [None if abs(v - limit) < 1e-6 * max(map(abs, x)) else v < limit for v in x]

    def Where(self, inputs, _):
        shape, which = self.operand(inputs[0])
        low, high = (self.constants[i][2][0] for i in inputs[1:])
        return shape, [None if w is None else low if w else high for w in which]

    def Conv(self, inputs, _, **_attributes):
        """Without padding and strides."""
        (_, height, width), x = self.operand(inputs[0])
        (out, channels, kh, kw), w = self.operand(inputs[1])
        b = self.operand(inputs[2])[1] if len(inputs) > 2 else [0] * out
        h, v = height - kh + 1, width - kw + 1
        return (out, h, v), [b[o] + sum(x[(c * height + y + i) * width + z + k] * w[((o * channels + c) * kh + i) * kw + k]
                                        for c in range(channels) for i in range(kh) for k in range(kw))
                             for o in range(out) for y in range(h) for z in range(v)]

    def Gemm(self, inputs, _, **_attributes):
        _, x = self.operand(inputs[0])
        (out, k), w = self.operand(inputs[1])
        b = self.operand(inputs[2])[1] if len(inputs) > 2 else [0] * out
        return (out,), [b[o] + sum(x[i] * w[o * k + i] for i in range(k)) for o in range(out)]


class Tests(Base):
    names = ("every_combination", "what_does_not_exist")

    def model(self):
        """Convolution, convolution, product: inputs and outputs of 8 bits at the ends, and what is narrow between them."""
        constants = [onnx.tensor(n, onnx.FLOAT, s, numbers(math.prod(s), d)) for n, s, d in (
            ("w1", (6, 4, 2, 2), 0.4), ("b1", (6,), 1), ("w2", (5, 6, 1, 1), 0.5), ("b2", (5,), 1), ("w3", (3, 20), 0.3), ("b3", (3,), 1))]
        nodes = [onnx.node("Conv", ["x", "w1", "b1"], ["c1"], "first"), onnx.node("Relu", ["c1"], ["r1"]),
                 onnx.node("Conv", ["r1", "w2", "b2"], ["c2"], "second"), onnx.node("Flatten", ["c2"], ["f"]),
                 onnx.node("Gemm", ["f", "w3", "b3"], ["y"], "third", transB=1)]
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, [onnx.value("x", onnx.FLOAT, ["n", 4, 3, 3])], [onnx.value("y", onnx.FLOAT, ["n", 3])], constants))
        self.rows = numbers(ROWS * 36)
        save("x.npy", "<f4", (ROWS, 4, 3, 3), self.rows)

    def codes(self):
        """All that QuantizeLinear makes in q.onnx, for all rows."""
        names = [outputs[0] for kind, _, outputs, _ in whole_nodes("q.onnx") if kind == "QuantizeLinear"]
        with open("q.onnx", "rb") as f:
            whole = f.read()
        with open("codes.onnx", "wb") as f:
            f.write(whole + b"".join(onnx.field(7, onnx.field(12, onnx.field(1, n))) for n in names))  # a message twice is merged
        words = [w for i in range(len(names) + 1) for w in ("-o", "c%d.npy" % i)]
        self.run("run", "codes.onnx", "--input", "x.npy", *words, "--device", "soft")
        return {n: load("c%d.npy" % (i + 1))[2] for i, n in enumerate(names)}

    def every_combination(self):
        compared = doubtful = 0
        self.model()
        for weights, shared, activations in itertools.product(WEIGHTS, SHARED, ACTIVATIONS):
            what = "%s, %s, %s" % (weights, shared, activations)
            p = self.run("convert", "m.onnx", "-o", "q.onnx", "--calibrate", "x.npy", "--weights", weights, "--granularity", shared,
                         "--activations", activations, "--round", "value", "--device", "soft")
            if p.returncode:
                self.expect(False, "%s: %s" % (what, p.stderr))
                continue
            reference = Reference("q.onnx", self.codes())
            for row in range(ROWS):
                reference.run(row, self.rows[row * 36:(row + 1) * 36])
            self.expect(not reference.wrong, "%s: %d of %d codes, %s" % (what, len(reference.wrong), reference.compared, reference.wrong[:2]))
            narrow = {"s4": (-8, 7), "b1": (-1, 1)}.get(activations)
            for name in ("r1_quantized", "c2_quantized") if narrow else ():
                got = reference.codes[name]
                self.expect(narrow[0] <= min(got) and max(got) <= narrow[1], "%s: codes of %s: %s" % (what, name, sorted(set(got))))
            compared += reference.compared
            doubtful += reference.doubtful
        print("# %d codes of %d combinations, %d of them between two" % (compared, len(WEIGHTS) * len(SHARED) * len(ACTIVATIONS), doubtful))
        self.expect(doubtful < compared / 200, "%d of %d codes are between two" % (doubtful, compared))

    def what_does_not_exist(self):
        """Any other pair of types."""
        self.model()
        for weights, activations in itertools.product(("u8", "s16", "f32", "s4"), ("u4", "s2", "f32", "t2")):
            p = self.run("convert", "m.onnx", "-o", "no.onnx", "--calibrate", "x.npy", "--weights", weights, "--activations", activations,
                         "--device", "soft", rc=2)
            self.expect(p.stderr.count("\n") == 1 and " takes " in p.stderr and not p.stdout, "%s, %s: %r" % (weights, activations, p.stderr))
        self.expect(not os.path.exists("no.onnx"), "a file was left")


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
