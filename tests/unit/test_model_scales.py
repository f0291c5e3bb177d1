#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Scales that stand for no real numbers are refused in one sentence that says whose they are; those that quantizers write are not.

usage: test_model_scales.py XQ... Prints KTAP.
"""
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import with_numpy  # noqa: E402,F401, before what imports numpy
import onnx_file as onnx  # noqa: E402
import tflite_file as tflite  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

WRONG = (0.0, -0.5, math.nan, math.inf, -math.inf)
# What numbers are called in sentences.
CALLED = {0.0: "0", -0.5: "-0.5", math.inf: "inf", -math.inf: "-inf"}
# Operators by their operands: x and w are codes, w a constant; s, t and u are scales, z a zero point.
ONE = ["x", "s", "z", "t", "z"]
OPERATORS = [
    ("", "QuantizeLinear", ["f", "s", "z"], {}),
    ("", "DequantizeLinear", ["x", "s", "z"], {}),
    ("", "QLinearConv", ["x", "s", "z", "w", "u", "z", "t", "z"], {}),
    ("", "QLinearMatMul", ["x", "s", "z", "x", "v", "z", "t", "z"], {}),
    ("com.microsoft", "QLinearAdd", ["x", "s", "z", "x", "v", "z", "t", "z"], {}),
    ("com.microsoft", "QLinearMul", ["x", "s", "z", "x", "v", "z", "t", "z"], {}),
    ("com.microsoft", "QLinearSigmoid", ONE, {}),
    ("com.microsoft", "QLinearLeakyRelu", ONE, {}),
    ("com.microsoft", "QLinearSoftmax", ONE, {"opset": 13}),
    ("com.microsoft", "QLinearAveragePool", ONE, {"kernel_shape": [2, 2]}),
    ("com.microsoft", "QLinearGlobalAveragePool", ONE, {}),
    ("com.microsoft", "QLinearConcat", ["t", "z", "x", "s", "z", "x", "v", "z"], {"axis": 1}),
]
GEMM = ("com.microsoft", "QGemm", ["m", "s", "z", "k", "u", "z", "", "t", "z"], {})
SHAPE, ZERO = (1, 2, 2, 2), 100


class Tests(Base):
    names = ("refused", "of_weights", "tflite")

    def write(self, operator, scales):
        domain, kind, operands, attributes = operator
        names = {"f": ("f", onnx.FLOAT, SHAPE), "m": ("m", onnx.UINT8, (2, 3)), "x": ("x", onnx.UINT8, SHAPE)}
        inputs = [onnx.value(*names[n]) for n in dict.fromkeys(operands) if n in names]
        constants = [onnx.tensor(n, onnx.FLOAT, (), [scales.get(n, 0.25)]) for n in "stuv"] + [onnx.tensor("z", onnx.UINT8, (), [ZERO])]
        constants += [onnx.tensor("w", onnx.UINT8, (3, 2, 1, 1), range(6)), onnx.tensor("k", onnx.UINT8, (3, 4), range(12))]
        with open("m.onnx", "wb") as f:
            f.write(onnx.model([onnx.node(kind, operands, ["y"], "here", **attributes) + onnx.field(7, domain)], inputs,
                               [onnx.value("y", onnx.FLOAT if kind == "DequantizeLinear" else onnx.UINT8, ("a", "b") if "m" in operands else tuple("abcd"))],
                               constants, 21) + onnx.field(8, onnx.field(1, "com.microsoft") + onnx.field(2, 1)))

    def given(self, operator):
        """The words that run it."""
        shape = SHAPE if "m" not in operator[2] else (2, 3)
        values = [ZERO - 3 + i for i in range(math.prod(shape))]
        save("in.npy", "<f4" if "f" in operator[2] else "|u1", shape, values)
        return "run", "m.onnx", "--input", "in.npy", "-o", "y.npy", "--device", "soft"

    def refused(self):
        """Each scale of each operator, in its turn."""
        for operator in (*OPERATORS, GEMM):
            domain, kind, operands, _ = operator
            self.write(operator, {})
            words = self.given(operator)
            self.run(*words)
            for name in [n for n in operands if n in "stv" and n]:
                for scale in WRONG:
                    self.write(operator, {name: scale})
                    p = self.run(*words, rc=1)
                    called = "%s of %s" % (CALLED.get(scale, "nan"), name)
                    want = "operand %d has a scale of %s, which has to be finite and above 0\n" % (operands.index(name), CALLED.get(scale, "nan"))
                    got = p.stderr.replace("-nan", "nan")
                    self.expect(got.count("\n") == 1 and got.endswith(want) and "%s here" % kind in got, "%s, %s: %r" % (kind, called, got))

    def of_weights(self):
        """Those of constants may be 0, or below it: the numbers are what comes out."""
        for operator in (OPERATORS[2], GEMM):
            words = self.given(operator)
            for scale in (math.nan, math.inf):
                self.write(operator, {"u": scale})
                p = self.run(*words, rc=1)
                self.expect("has to be finite\n" in p.stderr, "%s: %r" % (operator[1], p.stderr))
            got = {}
            for scale in (0.0, 0.02, -0.02):
                self.write(operator, {"u": scale})
                self.run(*words)
                got[scale] = load("y.npy")[2]
            self.expect(set(got[0.0]) == {ZERO}, "%s by 0: %s" % (operator[1], got[0.0]))
            pairs = list(zip(got[0.02], got[-0.02]))
            self.expect(len(set(got[0.02])) > 2 and all(0 < a < 255 and abs(a + b - 2 * ZERO) <= 1 for a, b in pairs),
                        "%s by numbers below 0: %s" % (operator[1], pairs))

    def tflite(self):
        def made(scale, of_weights=0.5):
            model = tflite.Model()
            g = model.main
            g.inputs, w = [g.tensor("int8", (1, 4), 0.5, name="x")], g.tensor("int8", (4,), of_weights, data=bytes([1, 2, 3, 4]), name="w")
            g.outputs = [g.tensor("int8", (1, 4), scale, name="y")]
            g.op("ADD", [g.inputs[0], w], g.outputs)
            return model.bytes()

        for scale in (0.5, *WRONG):
            with open("m.tflite", "wb") as f:
                f.write(made(scale))
            p = self.run("show", "m.tflite", "--device", "soft", rc=scale != 0.5)
            want = "tensor 3 y has a scale of %s\n" % CALLED.get(scale, "nan")
            got = p.stderr.replace("-nan", "nan")
            self.expect(scale == 0.5 or (got.count("\n") == 1 and got.endswith(want)), "%s: %r" % (scale, got))
        with open("m.tflite", "wb") as f:
            f.write(made(0.5, 0.0))
        self.run("show", "m.tflite", "--device", "soft")


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
