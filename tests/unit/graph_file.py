# SPDX-License-Identifier: GPL-2.0
"""Float networks that are given as a table and .npy files, written as ONNX. Needs nothing but Python.

usage: graph_file.py FOLDER OUT.onnx, where FOLDER has a graph.tsv of the operators below, in TensorFlow Lite's terms.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import load  # noqa: E402


def first(shape, values):
    """Weights [out][height][width][in] as [out][in][height][width]."""
    out, height, width, channels = shape
    at = [((o * height + y) * width + x) * channels + c
          for o in range(out) for c in range(channels) for y in range(height) for x in range(width)]
    return (out, channels, height, width), [values[i] for i in at]


def same(size, kernel, stride):
    """Padding SAME: before and behind."""
    need = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return need // 2, need - need // 2


class Graph:
    def __init__(self, folder):
        self.folder, self.tensors, self.rows = folder, {}, []
        with open(os.path.join(folder, "graph.tsv"), encoding="utf-8") as f:
            for line in f:
                cell = line.rstrip("\n").split("\t")
                if cell[0] == "tensor":
                    self.tensors[int(cell[1])] = (cell[4], cell[8])
                elif cell[0] in ("op", "graph"):
                    self.rows.append(cell)
        self.nodes, self.constants = [], []

    def shape(self, number):
        return [int(d) for d in self.tensors[number][0].split("x")]

    def constant(self, name, number, order=None):
        _, shape, values = load(os.path.join(self.folder, self.tensors[number][1]))
        if order:
            shape, values = order(shape, values)
        self.constants.append(onnx.tensor(name, onnx.FLOAT, shape, values))
        return name

    def add(self, kind, inputs, output, name="", **attributes):
        self.nodes.append(onnx.node(kind, inputs, [output], name, **attributes))

    def operator(self, number, kind, inputs, output, words):
        name = "%s%d" % (kind.lower(), number)
        made = "t%d_linear" % output if words.get("act") == "RELU" else "t%d" % output
        if kind == "CONV_2D":
            _, height, width, _ = self.shape(inputs[0])
            _, kernel_h, kernel_w, _ = self.shape(inputs[1])
            step = int(words["stride_h"]), int(words["stride_w"])
            pads = [(0, 0), (0, 0)] if words["padding"] == "VALID" else [same(height, kernel_h, step[0]), same(width, kernel_w, step[1])]
            self.add("Conv", ["t%d" % inputs[0], self.constant(name + "_w", inputs[1], first), self.constant(name + "_b", inputs[2])], made,
                     name, kernel_shape=[kernel_h, kernel_w], strides=list(step), pads=[p[0] for p in pads] + [p[1] for p in pads])
        elif kind == "ADD":
            self.add("Add", ["t%d" % i for i in inputs], made, name)
        elif kind == "AVERAGE_POOL_2D" and self.shape(output)[1:3] == [1, 1]:
            self.add("GlobalAveragePool", ["t%d" % inputs[0]], made, name)
        elif kind == "RESHAPE":
            self.add("Flatten", ["t%d" % inputs[0]], made, name)
        elif kind == "FULLY_CONNECTED":
            self.add("Gemm", ["t%d" % inputs[0], self.constant(name + "_w", inputs[1]), self.constant(name + "_b", inputs[2])], made, name,
                     transB=1)
        elif kind == "SOFTMAX":
            self.add("Softmax", ["t%d" % inputs[0]], made, name, axis=1)
        else:
            raise ValueError("operator %d: %s" % (number, kind))
        if words.get("act") == "RELU":
            self.add("Relu", [made], "t%d" % output)

    def write(self, path):
        """The input is [n][height][width][channels]."""
        for cell in self.rows:
            numbers = [[int(n) for n in c.split("=")[1].split(",")] for c in cell[3:5]]
            if cell[0] == "graph":
                (source,), (result,) = numbers
                head = onnx.node("Transpose", ["x"], ["t%d" % source], "first", perm=[0, 3, 1, 2])
            else:
                words = dict(w.split("=") for w in cell[-1].split(";") if "=" in w)
                self.operator(int(cell[1]), cell[2], numbers[0], numbers[1][0], words)
        file = onnx.model([head] + self.nodes, [onnx.value("x", onnx.FLOAT, ["n"] + self.shape(source)[1:])],
                          [onnx.value("t%d" % result, onnx.FLOAT, ["n"] + self.shape(result)[1:])], self.constants)
        with open(path, "wb") as f:
            f.write(file)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Graph(sys.argv[1]).write(sys.argv[2])
