#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Operators of TensorFlow Lite that the processor computes as numpy does: files of one operator with random operands, against numpy.
Then whether each operator that the library claims is in a test, here or in test_tflite.py.

usage: test_tflite_plain.py XQ... Prints KTAP.
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from with_numpy import np  # noqa: E402, before what imports numpy
import test_tflite  # noqa: E402
import tflite_file as tfl  # noqa: E402
import xq_case  # noqa: E402
from tflite_file import Table  # noqa: E402

KINDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../libxqaccel/src/model/tflite/kinds.c")
TYPES = {"f": "float32", "i": "int32", "b": "int8"}
# Of the format; what test_tflite.py needs is in tflite_file.py.
CODES = {"ABS": 101, "BATCH_MATMUL": 126, "BROADCAST_TO": 130, "CAST": 53, "CEIL": 104, "COS": 108, "DEPTH_TO_SPACE": 5, "DIV": 42, "EQUAL": 71,
         "EXP": 47, "FLOOR": 8, "GATHER": 36, "GATHER_ND": 107, "GREATER": 61, "GREATER_EQUAL": 62, "LESS": 58, "LESS_EQUAL": 63, "LOG": 73,
         "LOG_SOFTMAX": 50, "MIRROR_PAD": 100, "NEG": 59, "NOT_EQUAL": 72, "POW": 78, "PRELU": 54, "REDUCE_MAX": 82, "REDUCE_MIN": 89,
         "REDUCE_PROD": 81, "RELU_0_TO_1": 152, "ROUND": 116, "RSQRT": 76, "SELECT_V2": 123, "SIN": 66, "SPACE_TO_DEPTH": 26, "SQRT": 75,
         "SQUARE": 92, "SQUARED_DIFFERENCE": 99, "SUM": 74, "TILE": 69}
SMALL = (1, 5, 7)


def depth_to_space(x):
    n, h, w, c = x.shape
    return x.reshape(n, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, c // 4)


def space_to_depth(x):
    n, h, w, c = x.shape
    return x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // 2, w // 2, 4 * c)


def log_softmax(x):
    x = x.astype(np.float64)
    return x - x.max(-1, keepdims=True) - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True))


def one(kind, function, low=-3.0, high=3.0, options=None, shape=SMALL):
    return kind, [("f", shape, low, high)], (), function, options


def two(kind, function, low=-3.0, high=3.0, b=SMALL, letter="f", options=None):
    return kind, [(letter, SMALL, low, high), (letter, b, low, high)], (), function, options


def reduced(kind, function, axes=(1,), keep=0, letter="f", low=-1.5, high=1.5):
    return kind, [(letter, (1, 4, 3, 5), low, high)], (list(axes),), lambda x, a: function(x, axis=tuple(a), keepdims=bool(keep)), Table(f0=("B", keep))


# Operator, what is random (type, shape, least, most), constants of integers, the function, options.
CASES = [
    one("ABS", np.abs), one("NEG", np.negative), one("EXP", np.exp), one("LOG", np.log, 0.1), one("SQRT", np.sqrt, 0.0),
    one("RSQRT", lambda x: 1 / np.sqrt(x), 0.1), one("SQUARE", np.square), one("SIN", np.sin), one("COS", np.cos), one("FLOOR", np.floor),
    one("CEIL", np.ceil), ("ROUND", [("h", SMALL, -3, 3)], (), np.rint, None), one("TANH", np.tanh), one("RELU", lambda x: np.maximum(x, 0)),
    one("RELU_N1_TO_1", lambda x: np.clip(x, -1, 1)), one("RELU_0_TO_1", lambda x: np.clip(x, 0, 1)), one("LOG_SOFTMAX", log_softmax),
    two("DIV", np.divide, 0.5, 3.0), two("DIV", lambda a, b: np.clip(a / b, 0, 1), 0.5, 3.0, (7,), "f", Table(f0=("b", 2))),
    two("DIV", lambda a, b: np.maximum(a / b, 0), 0.5, 3.0, (1, 5, 1), "f", Table(f0=("b", 1))),
    two("POW", np.power, 0.2, 2.0), two("SQUARED_DIFFERENCE", lambda a, b: (a - b) ** 2), two("SQUARED_DIFFERENCE", lambda a, b: (a - b) ** 2, b=(5, 1)),
    two("MINIMUM", np.minimum, b=(7,)), two("MAXIMUM", np.maximum, -9, 9, letter="i"), two("MINIMUM", np.minimum, -9, 9, (7,), "i"),
    two("ADD", np.add, -99, 99, letter="i"), two("SUB", np.subtract, -99, 99, (7,), "i"), two("MUL", np.multiply, -99, 99, letter="i"),
    ("PRELU", [("f", (1, 4, 3, 5), -2, 2), ("f", (1, 1, 5), 0, 1)], (), lambda x, a: np.where(x < 0, a * x, x), None),
    *(two(kind, function, -2, 2, letter=letter) for letter in "fi" for kind, function in
      (("EQUAL", np.equal), ("NOT_EQUAL", np.not_equal), ("LESS", np.less), ("LESS_EQUAL", np.less_equal), ("GREATER", np.greater),
       ("GREATER_EQUAL", np.greater_equal))),
    ("SELECT_V2", [("?", SMALL, 0, 1), ("f", SMALL, -1, 1), ("f", (7,), 2, 3)], (), np.where, None),
    ("SELECT_V2", [("?", (5, 1), 0, 1), ("i", SMALL, -9, 9), ("i", SMALL, 10, 19)], (), np.where, None),
    reduced("SUM", np.sum), reduced("SUM", np.sum, (1, 2), 1), reduced("SUM", np.sum, (-1,), 0, "i", -99, 99), reduced("MEAN", np.mean, (2, 3)),
    reduced("REDUCE_MAX", np.max), reduced("REDUCE_MIN", np.min, (1, 3), 1), reduced("REDUCE_PROD", np.prod, (2,)),
    reduced("REDUCE_MAX", np.max, (2,), 1, "b", -128, 127), reduced("REDUCE_MIN", np.min, (1, 2), 0, "b", -128, 127),
    ("BATCH_MATMUL", [("f", (1, 3, 4, 5), -1, 1), ("f", (1, 3, 5, 6), -1, 1)], (), np.matmul, Table(f0=("B", 0))),
    ("BATCH_MATMUL", [("f", (1, 3, 5, 4), -1, 1), ("f", (3, 6, 5), -1, 1)], (), lambda a, b: a.swapaxes(-1, -2) @ b.swapaxes(-1, -2), Table(f0=("B", 1), f1=("B", 1))),
    ("MIRROR_PAD", [("f", (1, 4, 5), -1, 1)], ([[0, 0], [2, 1], [0, 3]],), lambda x, p: np.pad(x, p, "reflect"), Table(f0=("b", 0))),
    ("MIRROR_PAD", [("b", (1, 4, 5), -128, 127)], ([[0, 0], [2, 1], [0, 3]],), lambda x, p: np.pad(x, p, "symmetric"), Table(f0=("b", 1))),
    ("TILE", [("f", (1, 4, 5), -1, 1)], ([1, 2, 3],), np.tile, None), ("TILE", [("b", (1, 4, 5), -128, 127)], ([1, 3, 1],), np.tile, None),
    ("BROADCAST_TO", [("f", (1, 4, 1), -1, 1)], ([1, 4, 6],), np.broadcast_to, None),
    ("GATHER", [("f", (1, 6, 5), -1, 1)], ([3, 0, 5, 3],), lambda x, i: np.take(x, i, 1), Table(f0=("i", 1))),
    ("GATHER", [("b", (1, 6, 5), -128, 127)], ([[4, 0], [2, 2]],), lambda x, i: np.take(x, i, 2), Table(f0=("i", -1))),
    ("GATHER_ND", [("f", (1, 6, 5), -1, 1)], ([[0, 3], [0, 1], [0, 5]],), lambda x, i: x[tuple(np.moveaxis(i, -1, 0))], None),
    ("DEPTH_TO_SPACE", [("f", (1, 3, 4, 8), -1, 1)], (), depth_to_space, Table(f0=("i", 2))),
    ("DEPTH_TO_SPACE", [("b", (1, 3, 4, 8), -128, 127)], (), depth_to_space, Table(f0=("i", 2))),
    ("SPACE_TO_DEPTH", [("f", (1, 6, 4, 3), -1, 1)], (), space_to_depth, Table(f0=("i", 2))),
    ("SPACE_TO_DEPTH", [("b", (1, 6, 4, 3), -128, 127)], (), space_to_depth, Table(f0=("i", 2))),
    ("CAST", [("f", SMALL, -300, 300)], (), lambda x: x.astype(np.int32), None), ("CAST", [("i", SMALL, -300, 300)], (), lambda x: x.astype(np.float32), None),
    ("CAST", [("?", SMALL, 0, 1)], (), lambda x: x.astype(np.float32), None), ("CAST", [("i", SMALL, 0, 2)], (), lambda x: x.astype(bool), None),
    ("SPLIT", [("f", (1, 6, 4), -1, 1)], (), lambda x: tuple(np.split(x, 3, 1)), Table(f0=("i", 3))),
]


class Tests(xq_case.Tests):
    names = ("operators", "claimed")

    def random(self, letter, shape, low, high):
        if letter == "f":
            return self.rng.uniform(low, high, shape).astype(np.float32)
        if letter == "h":  # halves among them
            return (self.rng.integers(4 * low, 4 * high + 1, shape) / 4).astype(np.float32)
        if letter == "?":
            return self.rng.integers(0, 2, shape).astype(bool)
        return self.rng.integers(low, high + 1, shape).astype(TYPES[letter])

    def one_case(self, case):
        kind, operands, integers, function, options = case
        x = [self.random(*o) for o in operands]
        constants = [np.array(i, np.int32) for i in integers]
        want = function(*x, *constants)
        want = [np.asarray(w) for w in (want if isinstance(want, tuple) else (want,))]
        if kind not in ("CAST", "EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
            want = [w.astype(x[-1].dtype) for w in want]
        model = tfl.Model()
        g = model.main
        scale = [0.25] if operands[0][0] == "b" else None
        g.inputs = [g.tensor(str(v.dtype), v.shape, scale) for v in x]
        g.outputs = [g.tensor(str(w.dtype), w.shape, scale) for w in want]
        inputs = g.inputs + [g.constant(c) for c in constants]
        if kind == "SPLIT":
            inputs = [g.constant(np.array(1, np.int32)), *inputs]
        g.op(CODES.get(kind, kind), inputs, g.outputs, options)
        with open("m.tflite", "wb") as f:
            f.write(model.bytes())
        words = ["run", "m.tflite", "--device", "soft"]
        for i, v in enumerate(x):
            np.save("x%d.npy" % i, v)
            words += ["--input", "x%d.npy" % i]
        for i in range(len(want)):
            words += ["-o", "y%d.npy" % i]
        if self.run(*words).returncode:
            return
        for i, w in enumerate(want):
            # Truth values are bytes in files of the command.
            got, w = np.load("y%d.npy" % i), w.astype(np.uint8) if w.dtype == bool else w
            same = got.shape == w.shape and got.dtype == w.dtype and (np.allclose(got, w, 2e-6, 2e-6) if w.dtype == np.float32 else np.array_equal(got, w))
            self.expect(same, "%s %s: output %d is %s %s, not %s %s: %s, not %s" %
                        (kind, [o[:2] for o in operands], i, got.dtype, got.shape, w.dtype, w.shape, got.ravel()[:6], w.ravel()[:6]))

    def operators(self):
        self.rng = np.random.default_rng(11)
        for case in CASES:
            self.one_case(case)

    def claimed(self):
        with open(KINDS, encoding="utf-8") as f:
            claimed = set(re.findall(r"\{\s*TFLITE_(\w+)", f.read()))
        tested = {case[0].split(",")[0].split(" ")[0] for case in (*test_tflite.CASES, *test_tflite.FLOATS)} | {case[0] for case in CASES}
        tested |= {"SOFTMAX", "CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"}
        self.expect(len(claimed) > 70, "only %d operators were found in kinds.c" % len(claimed))
        self.expect(claimed <= tested, "without a test: %s" % sorted(claimed - tested))
        print("# %d operators are claimed, %d have a test" % (len(claimed), len(claimed & tested)))


if __name__ == "__main__":
    sys.exit(xq_case.main(Tests, sys.argv[1:]))
