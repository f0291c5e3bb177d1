#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Networks for bench-models. Needs nothing but Python.

usage: make_models.py mobilenet OUT.onnx	MobileNet V2 in float32, for 224 x 224 x 3, with random weights
       make_models.py resnet8 FOLDER OUT.onnx	the network that FOLDER describes
       make_models.py rows OUT.npy N C H W	random images of 0 to 1
       make_models.py wide OUT.onnx		10 products with 2048 x 2048 weights of 8 bits
"""
import math
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../unit"))
import onnx_file as onnx  # noqa: E402
from graph_file import Graph  # noqa: E402
from xq_case import save  # noqa: E402

# Expansion, channels, repetitions, stride.
BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class MobileNet:
    """Weights that keep the size of activations."""

    def __init__(self):
        self.nodes, self.constants, self.last = [], [], "x"
        self.random = random.Random(1)

    def add(self, kind, inputs, **attributes):
        name = "n%d" % len(self.nodes)
        self.nodes.append(onnx.node(kind, inputs, [name], name, **attributes))
        self.last = name
        return name

    def weights(self, shape, fan_in):
        name, each = "w%d" % len(self.constants), math.sqrt(2 / fan_in)
        self.constants.append(onnx.tensor(name, onnx.FLOAT, shape, [self.random.gauss(0, each) for _ in range(math.prod(shape))]))
        return name

    def conv(self, inputs, outputs, kernel=1, stride=1, groups=1, clip=True):
        each = inputs // groups
        self.add("Conv", [self.last, self.weights((outputs, each, kernel, kernel), each * kernel * kernel),
                          self.weights((outputs,), 100)], kernel_shape=[kernel, kernel], strides=[stride, stride],
                 pads=[kernel // 2] * 4, group=groups)
        if clip:
            self.add("Clip", [self.last, "low", "high"])

    def write(self, path):
        for name, value in ("low", 0.0), ("high", 6.0):
            self.constants.append(onnx.tensor(name, onnx.FLOAT, (), [value]))
        self.conv(3, 32, 3, 2)
        channels = 32
        for expansion, outputs, repeat, stride in BLOCKS:
            for i in range(repeat):
                before, wide, step = self.last, channels * expansion, stride if i == 0 else 1
                if expansion > 1:
                    self.conv(channels, wide)
                self.conv(wide, wide, 3, step, wide)
                self.conv(wide, outputs, clip=False)
                if step == 1 and channels == outputs:
                    self.add("Add", [before, self.last])
                channels = outputs
        self.conv(channels, 1280)
        self.add("GlobalAveragePool", [self.last])
        self.add("Flatten", [self.last])
        self.add("Gemm", [self.last, self.weights((1000, 1280), 1280), self.weights((1000,), 100)], transB=1)
        with open(path, "wb") as f:
            f.write(onnx.model(self.nodes, [onnx.value("x", onnx.FLOAT, [1, 3, 224, 224])],
                               [onnx.value(self.last, onnx.FLOAT, [1, 1000])], self.constants))


def rows(path, *shape):
    shape = [int(n) for n in shape]
    source = random.Random(2)
    save(path, "<f4", shape, [source.random() for _ in range(math.prod(shape))])


def wide(path, layers=10, side=2048):
    """Weights are bytes, written as they are."""
    rng, nodes, last = random.Random(1), [], "x"
    constants = [onnx.tensor("s", onnx.FLOAT, (), [0.01]), onnx.tensor("u", onnx.UINT8, (), [128]),
                 onnx.tensor("z", onnx.INT8, (), [0]), onnx.tensor("t", onnx.FLOAT, (), [1.0])]
    for i in range(layers):
        constants.append(onnx.field(1, side) + onnx.field(1, side) + onnx.field(2, onnx.INT8) +
                         onnx.field(8, "w%d" % i) + onnx.field(9, rng.randbytes(side * side)))
        nodes.append(onnx.node("QLinearMatMul", [last, "s", "u", "w%d" % i, "s", "z", "t", "u"],
                               ["y%d" % i]))
        last = "y%d" % i
    with open(path, "wb") as f:
        f.write(onnx.model(nodes, [onnx.value("x", onnx.UINT8, [1, side])],
                           [onnx.value(last, onnx.UINT8, [1, side])], constants))


if __name__ == "__main__":
    if sys.argv[1:2] == ["mobilenet"] and len(sys.argv) == 3:
        MobileNet().write(sys.argv[2])
    elif sys.argv[1:2] == ["resnet8"] and len(sys.argv) == 4:
        Graph(sys.argv[2]).write(sys.argv[3])
    elif sys.argv[1:2] == ["wide"] and len(sys.argv) == 3:
        wide(sys.argv[2])
    elif sys.argv[1:2] == ["rows"] and len(sys.argv) == 7:
        rows(*sys.argv[2:])
    else:
        sys.exit(__doc__)
