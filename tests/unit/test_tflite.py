#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Operators of TensorFlow Lite: files made here with random parameters, run by xq run and by a reference in whole numbers, and the
wake words of Debian's voice assistants with their state. Outputs are to be equal. Then files that are wrong.

usage: test_tflite.py XQ.... Prints KTAP.
"""
import glob
import os
import subprocess
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from with_numpy import np  # noqa: E402, before what imports numpy
import tflite_file as tfl  # noqa: E402
import tflite_reference  # noqa: E402
import xq_case  # noqa: E402
from tflite_file import Table  # noqa: E402

ROWS = 3
FETCH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "setup/fetch-wakewords.sh")
warnings.simplefilter("ignore", RuntimeWarning)


class Case:
    """A model with one operator, and its operands."""

    def __init__(self, rng):
        self.rng, self.model, self.x = rng, tfl.Model(), []
        self.g = self.model.main

    def scale(self):
        return float(np.float32(self.rng.uniform(0.005, 0.1)))

    def zp(self, dtype):
        return 0 if dtype == "float32" else int(self.rng.integers(-100, 100)) + (128 if dtype == "uint8" else 0)

    def values(self, dtype, shape):
        if dtype == "float32":
            return (self.rng.standard_normal(shape) * 3).astype(np.float32)
        info = np.iinfo(dtype)
        return self.rng.integers(info.min, info.max + 1, shape).astype(dtype)

    def input(self, shape, dtype="int8", scale=None, zp=None):
        if dtype == "float32":
            t = self.g.tensor(dtype, shape)
        else:
            t = self.g.tensor(dtype, shape, scale or self.scale(), self.zp(dtype) if zp is None else zp)
        self.g.inputs.append(t)
        self.x.append(self.values(dtype, (ROWS * shape[0], *shape[1:])))
        return t

    def output(self, shape, dtype="int8", scale=None, zp=None):
        if dtype == "float32":
            t = self.g.tensor(dtype, shape)
        else:
            t = self.g.tensor(dtype, shape, scale or self.scale() * 4, self.zp(dtype) if zp is None else zp)
        self.g.outputs.append(t)
        return t

    def weights(self, shape, channels, axis, dtype="int8"):
        if dtype == "float32":
            return self.g.constant(self.values(dtype, shape))
        scales = [self.scale() / 4 for _ in range(channels)] if channels > 1 else self.scale() / 4
        if dtype == "uint8":
            return self.g.constant(self.values(dtype, shape), scales, 121)
        if dtype == "int4":
            codes = self.rng.integers(-8, 8, int(np.prod(shape)) + int(np.prod(shape)) % 2).astype(np.uint8) & 15
            return self.g.tensor("int4", shape, scales, 0, (codes[::2] | codes[1::2] << 4).tobytes(), axis)
        return self.g.constant(self.values(dtype, shape), scales, 0, axis)

    def bias(self, count, dtype="int8"):
        if dtype == "float32":
            return self.g.constant(self.values(dtype, count))
        return self.g.constant(self.rng.integers(-20000, 20000, count).astype(np.int32), 0.001)

    def ints(self, values, dtype="int32"):
        return self.g.constant(np.array(values, dtype))


def size(n, kernel, stride, dilation, valid):
    return tflite_reference.pads(n, kernel, stride, dilation, valid)[0]


def conv(c, h, w, cin, cout, kernel, stride=1, dilation=1, valid=0, activation=0, dtype="int8", weights=None, bias=True, groups=1,
         channels=True):
    oh, ow = size(h, kernel, stride, dilation, valid), size(w, kernel, stride, dilation, valid)
    ops = [c.input((1, h, w, cin), dtype), c.weights((cout, kernel, kernel, cin // groups), cout if channels else 1, 0, weights or dtype)]
    c.g.op("CONV_2D", ops + ([c.bias(cout, dtype)] if bias else []), [c.output((1, oh, ow, cout), dtype)],
           Table(f0=("b", valid), f1=("i", stride), f2=("i", stride), f3=("b", activation), f4=("i", dilation), f5=("i", dilation)))


def depthwise(c, h, w, cin, times, kernel, stride=1, valid=0, activation=0, dtype="int8", channels=True):
    oh, ow = size(h, kernel, stride, 1, valid), size(w, kernel, stride, 1, valid)
    ops = [c.input((1, h, w, cin), dtype), c.weights((1, kernel, kernel, cin * times), cin * times if channels else 1, 3, dtype),
           c.bias(cin * times, dtype)]
    c.g.op("DEPTHWISE_CONV_2D", ops, [c.output((1, oh, ow, cin * times), dtype)],
           Table(f0=("b", valid), f1=("i", stride), f2=("i", stride), f3=("i", times), f4=("b", activation)))


def transpose_conv(c, h, cin, cout, kernel, stride, valid):
    out = (h - 1) * stride + kernel if valid else h * stride
    ops = [c.ints([1, out, out, cout]), c.weights((cout, kernel, kernel, cin), cout, 0), c.input((1, h, h, cin)), c.bias(cout)]
    c.g.op("TRANSPOSE_CONV", ops, [c.output((1, out, out, cout))], Table(f0=("b", valid), f1=("i", stride), f2=("i", stride)))


def fully_connected(c, shape, n, k, out, keep=0, activation=0, bias=True, dtype="int8", weights=None, channels=False):
    ops = [c.input(shape, dtype), c.weights((n, k), n if channels else 1, 0, weights or dtype)] + ([c.bias(n, dtype)] if bias else [])
    c.g.op("FULLY_CONNECTED", ops, [c.output(out, dtype)], Table(f0=("b", activation), f2=("b", keep)))


def pool(c, kind, shape, kernel, stride, valid, activation=0, dtype="int8"):
    scale, zp = c.scale(), c.zp(dtype)
    out = (1, size(shape[1], kernel, stride, 1, valid), size(shape[2], kernel, stride, 1, valid), shape[3])
    c.g.op(kind, [c.input(shape, dtype, scale, zp)], [c.output(out, dtype, scale, zp)],
           Table(f0=("b", valid), f1=("i", stride), f2=("i", stride), f3=("i", kernel), f4=("i", kernel), f5=("b", activation)))


def two(c, kind, a, b, activation=0, dtype="int8", constant=False, same=False):
    scale, zp = (c.scale(), c.zp(dtype)) if same else (None, None)
    first = c.input(a, dtype, scale, zp)
    if not constant:
        second = c.input(b, dtype, scale, zp)
    elif dtype == "float32":
        second = c.g.constant(c.values(dtype, b))
    else:
        second = c.g.constant(c.values(dtype, b), scale or c.scale(), c.zp(dtype) if zp is None else zp)
    c.g.op(kind, [first, second], [c.output(np.broadcast_shapes(a, b), dtype, scale, zp)], Table(f0=("b", activation)))


def one(c, kind, shape, dtype="int8", options=None, scale=None, zp=None, out=None):
    c.g.op(kind, [c.input(shape, dtype)], [c.output(out or shape, dtype, scale, zp)], options)


def moves(c, kind, shape, out, constants=(), options=None, dtype="int8", outputs=1, first=0):
    """Constants before and behind x, and outputs of one shape or of several."""
    scale, zp = c.scale(), c.zp(dtype)
    x, rest = c.input(shape, dtype, scale, zp), [c.ints(v) for v in constants]
    shapes = out if isinstance(out[0], tuple) else [out] * outputs
    c.g.op(kind, rest[:first] + [x] + rest[first:], [c.output(s, dtype, scale, zp) for s in shapes], options)


def joined(c, kind, shapes, out, axis, dtype="int8", same=True, pack=False):
    scale, zp = c.scale(), c.zp(dtype)
    ins = [c.input(s, dtype, scale if same else None, zp if same else None) for s in shapes]
    c.g.op(kind, ins, [c.output(out, dtype, scale, zp)], Table(f0=("i", len(ins)), f1=("i", axis)) if pack else Table(f0=("i", axis)))


def fill_value(c):
    scale, zp = c.scale(), c.zp("int8")
    fill = c.g.constant(np.array(-7, np.int8), scale, zp)
    ops = [c.input((1, 4, 4, 3), "int8", scale, zp), c.ints([[0, 0], [0, 1], [2, 0], [0, 0]]), fill]
    c.g.op("PADV2", ops, [c.output((1, 5, 6, 3), "int8", scale, zp)])


def stored(c, weights):
    """Weights of half floats or of integers with scales of channels that are made floats first."""
    x, y, w = c.input((1, 10), "float32"), c.output((1, 6), "float32"), c.g.tensor("float32", (6, 10))
    narrow = c.g.constant((c.rng.standard_normal((6, 10))).astype(np.float16)) if weights == "float16" else c.weights((6, 10), 6, 0, weights)
    c.g.op("DEQUANTIZE", [narrow], [w])
    c.g.op("FULLY_CONNECTED", [x, w], [y], Table(f0=("b", 0)))


def convert(c, kind, shape, a, b):
    c.g.op(kind, [c.input(shape, a)], [c.output(shape, b)])


def state(c):
    """A line of four rows with one more each time, and a sum of it: what streaming models are made of."""
    init, scale, zp = c.model.subgraph(), 0.05, 3
    first = np.arange(8, dtype=np.int8).reshape(1, 4, 2)
    for g in (c.g, init):
        handle = g.tensor("resource", ())
        if g is init:
            g.op("VAR_HANDLE", [], [handle], Table(f0="", f1="line"), 111)
            g.op("ASSIGN_VARIABLE", [handle, g.constant(first, scale, zp)], [])
    handle = 0
    c.g.op("CALL_ONCE", [], [], Table(f0=("i", 1)), 103)
    c.g.op("VAR_HANDLE", [], [handle], Table(f0="", f1="line"), 111)
    x, old = c.input((1, 1, 2), "int8", scale, zp), c.g.tensor("int8", (1, 4, 2), scale, zp)
    both, rest = c.g.tensor("int8", (1, 5, 2), scale, zp), c.g.tensor("int8", (1, 4, 2), scale, zp)
    c.g.op("READ_VARIABLE", [handle], [old])
    c.g.op("CONCATENATION", [old, x], [both], Table(f0=("i", 1)))
    c.g.op("STRIDED_SLICE", [both, c.ints([0, -4, 0]), c.ints([1, 5, 2]), c.ints([1, 1, 1])], [rest], Table(f0=("i", 5), f1=("i", 5)))
    c.g.op("ASSIGN_VARIABLE", [handle, rest], [])
    c.g.op("MEAN", [both, c.ints([1])], [c.output((1, 2))], Table(f0=("b", 0)))


CASES = [
    ("CONV_2D same", conv, 9, 7, 3, 8, 3), ("CONV_2D valid, stride 2, RELU6", conv, 9, 7, 5, 8, 3, 2, 1, 1, 3),
    ("CONV_2D same, stride 2", conv, 8, 7, 4, 6, 3, 2), ("CONV_2D dilation 2, RELU", conv, 9, 9, 4, 6, 3, 1, 2, 0, 1),
    ("CONV_2D 1 x 1, RELU_N1_TO_1", conv, 5, 5, 16, 20, 1, 1, 1, 0, 2), ("CONV_2D one scale", conv, 6, 6, 3, 4, 3, 1, 1, 0, 0, "int8", None, True, 1, False),
    ("CONV_2D without bias", conv, 6, 6, 3, 4, 3, 1, 1, 1, 0, "int8", None, False), ("CONV_2D groups", conv, 6, 6, 6, 9, 3, 1, 1, 0, 0, "int8", None, True, 3),
    ("CONV_2D uint8", conv, 7, 7, 3, 5, 3, 2, 1, 0, 3, "uint8", None, True, 1, False), ("CONV_2D int4", conv, 6, 5, 5, 7, 3, 1, 1, 0, 0, "int8", "int4"),
    ("DEPTHWISE_CONV_2D", depthwise, 8, 9, 6, 1, 3), ("DEPTHWISE_CONV_2D stride 2, RELU6", depthwise, 9, 9, 10, 1, 3, 2, 0, 3),
    ("DEPTHWISE_CONV_2D multiplier 3", depthwise, 6, 6, 4, 3, 3, 1, 1), ("DEPTHWISE_CONV_2D uint8", depthwise, 7, 8, 8, 1, 3, 2, 0, 3, "uint8", False),
    ("TRANSPOSE_CONV valid", transpose_conv, 4, 3, 5, 3, 2, 1), ("TRANSPOSE_CONV same", transpose_conv, 4, 3, 5, 3, 2, 0),
    ("FULLY_CONNECTED", fully_connected, (1, 30), 7, 30, (1, 7)), ("FULLY_CONNECTED of an image, RELU", fully_connected, (1, 3, 2, 5), 7, 30, (1, 7), 0, 1),
    ("FULLY_CONNECTED keep_num_dims", fully_connected, (1, 4, 10), 7, 10, (1, 4, 7), 1), ("FULLY_CONNECTED rows", fully_connected, (2, 12), 5, 12, (2, 5)),
    ("FULLY_CONNECTED scales of channels, no bias", fully_connected, (1, 16), 9, 16, (1, 9), 0, 0, False, "int8", None, True),
    ("FULLY_CONNECTED uint8", fully_connected, (1, 16), 9, 16, (1, 9), 0, 3, True, "uint8"),
    ("FULLY_CONNECTED int4, odd rows", fully_connected, (1, 15), 9, 15, (1, 9), 0, 0, True, "int8", "int4"),
    ("AVERAGE_POOL_2D same", pool, "AVERAGE_POOL_2D", (1, 7, 9, 5), 3, 2, 0), ("AVERAGE_POOL_2D valid, RELU6", pool, "AVERAGE_POOL_2D", (1, 8, 8, 4), 2, 2, 1, 3),
    ("AVERAGE_POOL_2D uint8", pool, "AVERAGE_POOL_2D", (1, 6, 6, 4), 3, 1, 0, 0, "uint8"), ("MAX_POOL_2D same", pool, "MAX_POOL_2D", (1, 7, 9, 5), 3, 2, 0),
    ("MAX_POOL_2D valid, RELU", pool, "MAX_POOL_2D", (1, 8, 8, 4), 2, 2, 1, 1),
    ("ADD", two, "ADD", (1, 5, 6, 4), (1, 5, 6, 4)), ("ADD RELU6, broadcast", two, "ADD", (1, 5, 6, 4), (1, 1, 1, 4), 3),
    ("ADD uint8, a constant", two, "ADD", (1, 5, 6, 4), (4,), 0, "uint8", True), ("SUB", two, "SUB", (1, 5, 6, 40), (1, 5, 6, 40)),
    ("SUB RELU, a constant", two, "SUB", (1, 5, 6, 4), (6, 1), 1, "int8", True), ("SUB uint8", two, "SUB", (1, 30, 40), (1, 1, 40), 0, "uint8"),
    ("MUL", two, "MUL", (1, 5, 6, 4), (1, 5, 6, 4)), ("MUL RELU, a constant", two, "MUL", (1, 5, 6, 4), (1, 4), 1, "int8", True),
    ("MAXIMUM", two, "MAXIMUM", (1, 5, 6), (1, 5, 6), 0, "int8", False, True), ("MINIMUM, a constant", two, "MINIMUM", (1, 5, 6), (6,), 0, "uint8", True, True),
    ("MEAN", moves, "MEAN", (1, 6, 5, 7), (1, 7), ([1, 2],), Table(f0=("b", 0))),
    ("MEAN keep_dims, negative axis", moves, "MEAN", (1, 6, 5, 7), (1, 6, 5, 1), ([-1 + 4],), Table(f0=("b", 1))),
    ("LOGISTIC", one, "LOGISTIC", (1, 256), "int8", None, 1 / 256, -128), ("LOGISTIC uint8", one, "LOGISTIC", (1, 256), "uint8", None, 1 / 256, 0),
    ("TANH", one, "TANH", (1, 256), "int8", None, 1 / 128, 0), ("RELU", one, "RELU", (1, 256)), ("RELU6", one, "RELU6", (1, 256)),
    ("RELU_N1_TO_1", one, "RELU_N1_TO_1", (1, 256), "uint8"), ("LEAKY_RELU", one, "LEAKY_RELU", (1, 256), "int8", Table(f0=("f", 0.1))),
    ("ELU", one, "ELU", (1, 256)), ("GELU", one, "GELU", (1, 256), "int8", Table(f0=("b", 0))),
    ("HARD_SWISH", one, "HARD_SWISH", (1, 256)), ("HARD_SWISH uint8", one, "HARD_SWISH", (1, 256), "uint8"),
    ("QUANTIZE floats", convert, "QUANTIZE", (1, 500), "float32", "int8"), ("QUANTIZE to another scale", convert, "QUANTIZE", (1, 256), "int8", "int8"),
    ("QUANTIZE int8 to uint8", convert, "QUANTIZE", (1, 256), "int8", "uint8"), ("DEQUANTIZE", convert, "DEQUANTIZE", (1, 256), "uint8", "float32"),
    ("RESHAPE", moves, "RESHAPE", (1, 6, 4), (1, 2, 12), ([1, 2, -1],)), ("SQUEEZE", moves, "SQUEEZE", (1, 1, 6, 1), (1, 6), (), Table(f0=("i", [1, 3]))),
    ("EXPAND_DIMS", moves, "EXPAND_DIMS", (1, 6), (1, 1, 6), ([1],)), ("TRANSPOSE", moves, "TRANSPOSE", (1, 4, 5, 6), (1, 6, 4, 5), ([0, 3, 1, 2],)),
    ("CONCATENATION", joined, "CONCATENATION", [(1, 2, 5), (1, 3, 5), (1, 1, 5)], (1, 6, 5), 1),
    ("CONCATENATION of other scales", joined, "CONCATENATION", [(1, 9, 20), (1, 9, 30)], (1, 9, 50), -1, "uint8", False),
    ("PACK", joined, "PACK", [(1, 4), (1, 4), (1, 4)], (1, 3, 4), 1, "int8", True, True),
    ("UNPACK", moves, "UNPACK", (1, 3, 4), (1, 4), (), Table(f0=("i", 3), f1=("i", 1)), "int8", 3),
    ("SPLIT", moves, "SPLIT", (1, 6, 4), (1, 2, 4), ([1],), Table(f0=("i", 3)), "int8", 3, 1),
    ("SPLIT_V", moves, "SPLIT_V", (1, 6, 4), [(1, 1, 4), (1, 3, 4), (1, 2, 4)], ([1, 3, 2], [1]), Table(f0=("i", 3))),
    ("SLICE", moves, "SLICE", (1, 6, 8), (1, 3, 6), ([0, 2, 2], [1, 3, -1])),
    ("STRIDED_SLICE", moves, "STRIDED_SLICE", (1, 7, 8), (1, 3, 4), ([0, 1, -5], [0, 7, 7], [1, 2, 1]), Table(f0=("i", 1), f1=("i", 1))),
    ("STRIDED_SLICE shrinks", moves, "STRIDED_SLICE", (1, 7, 8), (1, 4), ([0, 3, 1], [0, 0, 8], [1, 1, 2]), Table(f0=("i", 1), f1=("i", 1), f4=("i", 2))),
    ("PAD", moves, "PAD", (1, 4, 4, 3), (1, 7, 5, 3), ([[0, 0], [1, 2], [0, 1], [0, 0]],)), ("PADV2", fill_value),
    ("RESIZE_NEAREST_NEIGHBOR", moves, "RESIZE_NEAREST_NEIGHBOR", (1, 3, 4, 5), (1, 6, 12, 5), ([6, 12],)),
    ("RESIZE_NEAREST_NEIGHBOR half pixel centers", moves, "RESIZE_NEAREST_NEIGHBOR", (1, 3, 4, 5), (1, 9, 8, 5), ([9, 8],), Table(f1=("b", 1))),
    ("CALL_ONCE, variables", state),
]


FLOATS = [
    ("CONV_2D floats, RELU6", conv, 9, 7, 3, 8, 3, 2, 1, 0, 3, "float32"), ("CONV_2D floats, dilation", conv, 9, 9, 4, 6, 3, 1, 2, 1, 0, "float32", None, False),
    ("CONV_2D floats, groups", conv, 6, 6, 6, 9, 3, 1, 1, 0, 1, "float32", None, True, 3),
    ("DEPTHWISE_CONV_2D floats", depthwise, 8, 9, 6, 2, 3, 2, 0, 1, "float32"),
    ("FULLY_CONNECTED floats, RELU", fully_connected, (1, 3, 2, 5), 7, 30, (1, 7), 0, 1, True, "float32"),
    ("FULLY_CONNECTED floats, keep_num_dims", fully_connected, (1, 4, 10), 7, 10, (1, 4, 7), 1, 0, False, "float32"),
    ("AVERAGE_POOL_2D floats, RELU", pool, "AVERAGE_POOL_2D", (1, 7, 9, 5), 3, 2, 0, 1, "float32"),
    ("MAX_POOL_2D floats", pool, "MAX_POOL_2D", (1, 7, 9, 5), 3, 2, 0, 3, "float32"),
    ("ADD floats, RELU6", two, "ADD", (1, 5, 6, 4), (1, 1, 1, 4), 3, "float32"), ("SUB floats, RELU", two, "SUB", (1, 5, 6), (6,), 1, "float32", True),
    ("MUL floats", two, "MUL", (1, 5, 6), (1, 5, 6), 2, "float32"), ("MAXIMUM floats", two, "MAXIMUM", (1, 5, 6), (6,), 0, "float32", True),
    ("MEAN floats", moves, "MEAN", (1, 6, 5, 7), (1, 7), ([1, 2],), Table(f0=("b", 0)), "float32"),
    ("LOGISTIC floats", one, "LOGISTIC", (1, 50), "float32"), ("RELU6 floats", one, "RELU6", (1, 50), "float32"),
    ("LEAKY_RELU floats", one, "LEAKY_RELU", (1, 50), "float32", Table(f0=("f", 0.1))), ("ELU floats", one, "ELU", (1, 50), "float32"), ("GELU floats", one, "GELU", (1, 50), "float32", Table(f0=("b", 0))), ("HARD_SWISH floats", one, "HARD_SWISH", (1, 50), "float32"),
    ("SOFTMAX floats", one, "SOFTMAX", (1, 50), "float32", Table(f0=("f", 0.5))),
    ("STRIDED_SLICE floats, backwards", moves, "STRIDED_SLICE", (1, 7, 8), (1, 7, 4), ([0, 0, -1], [1, 7, 0], [1, 1, -2]), None, "float32"),
    ("STRIDED_SLICE floats, shrinks", moves, "STRIDED_SLICE", (1, 7, 8), (1, 4), ([0, 3, 1], [0, 0, 8], [1, 1, 2]), Table(f0=("i", 1), f1=("i", 1), f4=("i", 2)), "float32"),
    ("PACK floats", joined, "PACK", [(1, 4), (1, 4)], (1, 4, 2), -1, "float32", True, True), ("TRANSPOSE floats", moves, "TRANSPOSE", (1, 4, 5), (1, 5, 4), ([0, 2, 1],), None, "float32"),
    ("UNPACK floats", moves, "UNPACK", (1, 3, 4), (1, 4), (), Table(f0=("i", 3), f1=("i", 1)), "float32", 3),
    ("SPLIT_V floats", moves, "SPLIT_V", (1, 6, 4), [(1, 1, 4), (1, 5, 4)], ([1, 5], [1]), Table(f0=("i", 2)), "float32"),
    ("PAD floats", moves, "PAD", (1, 4, 4, 3), (1, 7, 5, 3), ([[0, 0], [1, 2], [0, 1], [0, 0]],), None, "float32"),
    ("DEQUANTIZE of half floats", stored, "float16"), ("DEQUANTIZE of channels", stored, "int8"), ("DEQUANTIZE of int4", stored, "int4"),
    ("RESIZE_NEAREST_NEIGHBOR floats, aligned", moves, "RESIZE_NEAREST_NEIGHBOR", (1, 3, 4, 5), (1, 7, 6, 5), ([7, 6],), Table(f0=("b", 1)), "float32"),
    ("RESIZE_NEAREST_NEIGHBOR floats", moves, "RESIZE_NEAREST_NEIGHBOR", (1, 3, 4, 5), (1, 7, 6, 5), ([7, 6],), None, "float32"),
    ("RESIZE_BILINEAR floats", moves, "RESIZE_BILINEAR", (1, 3, 4, 5), (1, 7, 6, 5), ([7, 6],), None, "float32"),
    ("RESIZE_BILINEAR floats, aligned", moves, "RESIZE_BILINEAR", (1, 3, 4, 5), (1, 7, 6, 5), ([7, 6],), Table(f2=("b", 1)), "float32"),
    ("RESIZE_BILINEAR floats, half pixel centers", moves, "RESIZE_BILINEAR", (1, 3, 4, 5), (1, 7, 6, 5), ([7, 6],), Table(f3=("b", 1)), "float32"),
]


class TFLite(xq_case.Tests):
    names = ("operators", "floats", "rows_at_once", "softmax", "transpositions", "wake_words", "wrong_files")

    def xq_run(self, path, inputs, outputs, *options):
        words = ["run", path, "--device", "soft", *options]
        for i, x in enumerate(inputs):
            np.save("x%d.npy" % i, x)
            words += ["--input", "x%d.npy" % i]
        for i in range(outputs):
            words += ["-o", "y%d.npy" % i]
        p = self.run(*words)
        return [np.load("y%d.npy" % i) for i in range(outputs)] if not p.returncode else None

    def compare(self, what, got, want):
        if got is None:
            return
        for i, (a, b) in enumerate(zip(got, want)):
            if a.shape != b.shape or a.dtype != b.dtype:
                self.expect(False, "%s: output %d is %s %s, not %s %s" % (what, i, a.dtype, a.shape, b.dtype, b.shape))
            elif a.dtype == np.float32 and np.allclose(a, b, 1e-5, 1e-5):
                pass
            elif not np.array_equal(a, b):
                at = tuple(np.argwhere(a != b)[0])
                self.expect(False, "%s: output %d differs in %d of %d elements, first at %s: %s, not %s" %
                            (what, i, (a != b).sum(), a.size, at, a[at], b[at]))

    def one_case(self, seed, case, *options):
        c = Case(np.random.default_rng(seed))
        case[1](c, *case[2:])
        data = c.model.bytes()
        with open("m.tflite", "wb") as f:
            f.write(data)
        reference = tflite_reference.Interpreter(data)
        rows = [reference.run(*[x[r * len(x) // ROWS:(r + 1) * len(x) // ROWS] for x in c.x]) for r in range(ROWS)]
        want = [np.concatenate([r[i] for r in rows]) for i in range(len(rows[0]))]
        self.compare(case[0], self.xq_run("m.tflite", c.x, len(want), *options), want)

    def operators(self):
        for i, case in enumerate(CASES):
            self.one_case(i, case)

    def floats(self):
        """On the CPU; sums in another order differ in their last bits."""
        for i, case in enumerate(FLOATS):
            self.one_case(500 + i, case)

    def rows_at_once(self):
        for i, case in enumerate(CASES):
            if i % 3 == 0 and case[0] not in ("CALL_ONCE, variables",):
                self.one_case(1000 + i, case, "--batch", "2")

    def softmax(self):
        """As xq softmax, which has tests of its own."""
        for dtype in ("int8", "uint8"):
            c, scale, least = Case(np.random.default_rng(5)), 0.0625, -128 if dtype == "int8" else 0
            c.g.op("SOFTMAX", [c.input((1, 40), dtype, scale, 3)], [c.output((1, 40), dtype, 1 / 256, least)], Table(f0=("f", 1.5)))
            with open("m.tflite", "wb") as f:
                f.write(c.model.bytes())
            np.save("s.npy", (c.x[0].astype(np.int16) - (least + 128)).astype(np.int8))
            self.run("softmax", "s.npy", "-o", "w.npy", "--x-scale", str(scale), "--beta", "1.5", "--device", "soft")
            want = (np.load("w.npy").astype(np.int16) + least + 128).astype(dtype)
            self.compare("SOFTMAX " + dtype, self.xq_run("m.tflite", c.x, 1), [want])

    def transpositions(self):
        """Around a function of each element there and back, and before rows of a product: none is left."""
        for dtype in ("int8", "float32"):
            c, shape, last = Case(np.random.default_rng(7)), (1, 3, 4, 5), (1, 4, 5, 3)
            scale, zp = (None, None) if dtype == "float32" else (c.scale(), c.zp(dtype))
            inner = [c.g.tensor(dtype, s, scale, zp) if scale else c.g.tensor(dtype, s) for s in (last, last, shape)]
            c.g.op("TRANSPOSE", [c.input(shape, dtype, scale, zp), c.ints([0, 2, 3, 1])], [inner[0]])
            c.g.op("RELU", [inner[0]], [inner[1]])
            c.g.op("TRANSPOSE", [inner[1], c.ints([0, 3, 1, 2])], [inner[2]])
            c.g.op("TANH", [inner[2]], [c.output(shape, dtype, 1 / 128, 0)])
            self.none_left(c)
        c, scale, zp = Case(np.random.default_rng(8)), 0.05, -3
        turned, flat = c.g.tensor("int8", (1, 5, 3, 4), scale, zp), c.g.tensor("int8", (1, 60), scale, zp)
        c.g.op("TRANSPOSE", [c.input((1, 3, 4, 5), "int8", scale, zp), c.ints([0, 3, 1, 2])], [turned])
        c.g.op("RESHAPE", [turned, c.ints([1, 60])], [flat])
        c.g.op("FULLY_CONNECTED", [flat, c.weights((7, 60), 7, 0), c.bias(7)], [c.output((1, 7))], Table(f0=("b", 0)))
        self.none_left(c)

    def none_left(self, c):
        data = c.model.bytes()
        with open("m.tflite", "wb") as f:
            f.write(data)
        kinds = [o["type"] for o in self.json("show", "m.tflite", "--device", "soft")["operators"]]
        self.expect("TRANSPOSE" not in kinds, "a transposition is left: %s" % kinds)
        reference = tflite_reference.Interpreter(data)
        want = np.concatenate([reference.run(x)[0] for x in np.split(c.x[0], ROWS)])
        self.compare("without transpositions", self.xq_run("m.tflite", c.x, 1), [want])

    def wake_words(self):
        """Their logits, which say more than the probabilities of 8 bits: the output becomes what goes into LOGISTIC."""
        fetched = subprocess.run([FETCH], capture_output=True, text=True, check=False)
        if fetched.returncode:
            return "the wake words can't be fetched: " + (fetched.stderr.strip().splitlines() or ["no reason given"])[-1]
        # Those of another program are floats.
        files = sorted(f for f in glob.glob(fetched.stdout.strip() + "/*.tflite") if "_v0" not in f)
        for path in files:
            with open(path, "rb") as f:
                data = bytearray(f.read())
            reference = tflite_reference.Interpreter(bytes(data))
            main = reference.graphs[0]
            op = next(op for op in main.tables(3) if reference.codes[op.get(0, "I")] == 14)
            at = main.follow(main.place(2)) + 4
            data[at:at + 4] = int(op.vector(1, "i")[0]).to_bytes(4, "little")
            reference = tflite_reference.Interpreter(bytes(data))
            shape = reference.tensors[0][main.vector(1, "i")[0]].shape
            x = np.random.default_rng(4).integers(-128, 128, (30, *shape[1:])).astype(np.int8)
            with open("w.tflite", "wb") as f:
                f.write(data)
            want = np.concatenate([reference.run(row[None])[0] for row in x])
            self.expect(len(np.unique(want)) > 5, "%s: the reference has %d different results" % (path, len(np.unique(want))))
            self.compare(os.path.basename(path), self.xq_run("w.tflite", [x], 1), [want])
        return None

    def wrong_files(self):
        """One sentence that names the place; nothing else matters so much of a file that is wrong."""
        c = Case(np.random.default_rng(1))
        conv(c, 6, 6, 3, 4, 3)
        good = c.model.bytes()
        np.save("x.npy", c.x[0])

        def refused(data, sentence):
            with open("bad.tflite", "wb") as f:
                f.write(data)
            p = self.run("run", "bad.tflite", "--input", "x.npy", "-o", "y.npy", "--device", "soft", rc=1)
            self.expect(p.stderr == "xq: run: bad.tflite: " + sentence + "\n", "%r, not %r" % (p.stderr, sentence))
            self.expect(not os.path.exists("y.npy"), "an output was left")

        def made(change):
            c = Case(np.random.default_rng(1))
            conv(c, 6, 6, 3, 4, 3)
            change(c)
            return c.model.bytes()

        refused(good[:200], "a reference leads nowhere at byte 148 of the file, which has 200")
        refused(good[:6], "the file is no model: it is of no known format")
        refused(b"\xff\xff\xff\x7f" + good[4:], "a reference leads nowhere at byte 0 of the file, which has %d" % len(good))

        def part(data, field, index):
            model = tflite_reference.Table(data, int.from_bytes(data[:4], "little"))
            return model.tables(2)[0].tables(field)[index].at
        place = "CONV_2D (operator 0 of subgraph 0 at byte %d): "

        def at(data):
            return part(data, 3, 0)
        bad = made(lambda c: c.g.operators[0].fields.update({1: ("i", [0, 99, 2])}))
        refused(bad, "operator 0 of subgraph 0 at byte %d names tensor 99, the subgraph has 4" % at(bad))
        bad = made(lambda c: c.g.operators[0].fields.update({1: ("i", [0, 1, 3])}))
        refused(bad, place % at(bad) + "reads tensor 4 t3, which nothing before it makes")
        bad = made(lambda c: c.g.operators[0].fields.update({0: ("I", 5)}))
        refused(bad, "operator 0 of subgraph 0 at byte %d is of kind 5, the file has 1" % at(bad))
        bad = made(lambda c: c.model.codes.__setitem__(0, 106))
        refused(bad, "operator 0 of subgraph 0 at byte %d is of kind 106 (ADD_N), which is not known; its inputs are s8 [1][6][6][3],"
                " s8 [4][3][3][3], s32 [4]" % at(bad))
        bad = made(lambda c: c.model.codes.__setitem__(0, 32))
        refused(bad, "operator 0 of subgraph 0 at byte %d is the custom operator Thing, which is not known; its inputs are s8 [1][6][6][3],"
                " s8 [4][3][3][3], s32 [4]" % at(bad))
        bad = made(lambda c: c.g.tensors[1].fields.update({0: ("i", [4, 3, 3, 30])}))
        refused(bad, place % at(bad) + "its weights are for 30 input channels, it has 3")
        bad = made(lambda c: c.g.tensors[1].fields.update({0: ("i", [400, 3, 3, 3])}))
        refused(bad, "constant 2 t1 of s8 [400][3][3][3] takes 10800 bytes, the file has 108 of it")
        bad = made(lambda c: c.g.tensors[0].fields.update({0: ("i", [1, 0x7fffffff, 0x7fffffff, 3])}))
        refused(bad, "tensor 1 t0 has the shape [1][2147483647][2147483647][3], which is too large")
        bad = made(lambda c: c.g.tensors[0].fields.update({0: ("i", [1, -6, 6, 3])}))
        refused(bad, "tensor t0 at byte %d has a dimension of -6 elements" % part(bad, 0, 0))
        bad = made(lambda c: c.g.tensors[3].fields.update({0: ("i", [1, 6, 6, 5])}))
        refused(bad, place % at(bad) + "it is not known for inputs s8 [1][6][6][3], s8 [4][3][3][3], s32 [4] and their quantization")
        bad = made(lambda c: c.g.tensors[0].fields.update({1: ("b", 5)}))
        refused(bad, "tensor t0 at byte %d is of type 5 (strings), which is not supported" %
                part(bad, 0, 0))
        c = Case(np.random.default_rng(1))
        joined(c, "CONCATENATION", [(1, 6, 6, 3)], (1, 6, 6, 3), 1, "int8", False)
        bad = c.model.bytes()
        refused(bad, "CONCATENATION (operator 0 of subgraph 0 at byte %d): it is not known for inputs s8 [1][6][6][3] and their quantization" %
                part(bad, 3, 0))
        bad = made(lambda c: c.g.operators.append(c.g.operators[0]))
        refused(bad, "CONV_2D (operator 1 of subgraph 0 at byte %d): makes tensor 4 t3, which something else makes, too" %
                part(bad, 3, 1))


if __name__ == "__main__":
    xq_case.main(TFLite, sys.argv[1:])
