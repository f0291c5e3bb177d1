#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Small ONNX files for fuzz_onnx to begin with: every operator that the reader knows, each in a file of its own, and what reads
several of them at once.

usage: write_onnx_seeds.py FOLDER. test_onnx_files looks that all are taken and that no operator is missing.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../unit"))
import onnx_file as onnx  # noqa: E402

F, U8, S8, S32, S64, BOOL = onnx.FLOAT, onnx.UINT8, onnx.INT8, onnx.INT32, onnx.INT64, 9
MS, XQ = "com.microsoft", "xqaccel"


def tensor(name, kind, shape, values):
    if kind == BOOL:
        return b"".join(onnx.field(1, d) for d in shape) + onnx.field(2, BOOL) + onnx.field(8, name) + onnx.field(9, bytes(values))
    return onnx.tensor(name, kind, shape, values)


def x(*shape, kind=F):
    """An input of the model."""
    return None, kind, shape


def c(values, *shape, kind=F):
    """A constant; a number stands for all its elements."""
    if not isinstance(values, (list, tuple)):
        count = 1
        for d in shape:
            count *= d
        values = [values] * count
    return values, kind, shape


def i64(*values):
    return c(list(values), len(values), kind=S64)


def one(value, kind=F):
    return c([value], kind=kind)


def attribute(name, value):
    if isinstance(value, list) and value and isinstance(value[0], float):
        return onnx.field(1, name) + b"".join(onnx.field(7, v) for v in value) + onnx.field(20, 6)
    if isinstance(value, tuple):                                # ("graph" or "tensor", bytes)
        number, kind = (6, 5) if value[0] == "graph" else (5, 4)
        return onnx.field(1, name) + onnx.field(number, value[1]) + onnx.field(20, kind)
    return onnx.attribute(name, value)


def node(kind, inputs, outputs, domain="", **attributes):
    return (onnx.node(kind, inputs, outputs) + (onnx.field(7, domain) if domain else b"") +
            b"".join(onnx.field(5, attribute(k, v)) for k, v in attributes.items()))


def model(nodes, inputs, outputs, constants=(), opset=17, extra=()):
    """outputs are names: what type and shape they have is for the reader to find."""
    graph = (b"".join(onnx.field(1, n) for n in nodes) + onnx.field(2, "g") + b"".join(onnx.field(5, k) for k in constants) +
             b"".join(onnx.field(11, onnx.value(*i)) for i in inputs) + b"".join(onnx.field(12, onnx.field(1, o)) for o in outputs) +
             b"".join(extra))
    opsets = [("", opset), (MS, 1), (XQ, 1)]
    return onnx.field(1, 8) + onnx.field(7, graph) + b"".join(onnx.field(8, onnx.field(1, d) + onnx.field(2, v)) for d, v in opsets)


def single(kind, *operands, outputs=1, domain="", opset=17, **attributes):
    """A model of one operator."""
    names, inputs, constants = [], [], []
    for k, operand in enumerate(operands):
        names.append("" if operand is None else "abcdefghijkl"[k])
        if operand is None:
            continue
        values, type_, shape = operand
        if values is None:
            inputs.append((names[-1], type_, list(shape)))
        else:
            constants.append(tensor(names[-1], type_, shape, values))
    results = ["yzvw"[k] for k in range(outputs)]
    return model([node(kind, names, results, domain, **attributes)], inputs, results, constants, opset)


def subgraph(nodes, inputs, outputs, constants=()):
    return ("graph", b"".join(onnx.field(1, n) for n in nodes) + onnx.field(2, "b") + b"".join(onnx.field(5, k) for k in constants) +
            b"".join(onnx.field(11, onnx.field(1, i)) for i in inputs) + b"".join(onnx.field(12, onnx.field(1, o)) for o in outputs))


IMAGE = x(1, 2, 4, 4)
WEIGHTS = c([k % 5 - 2.0 for k in range(36)], 2, 2, 3, 3)
CODES = c([k % 7 - 3 for k in range(36)], 2, 2, 3, 3, kind=S8)


def products():
    yield single("Conv", IMAGE, WEIGHTS, c(1.0, 2), pads=[1, 1, 1, 1], strides=[2, 1], kernel_shape=[3, 3])
    yield single("Conv", IMAGE, c(1.0, 2, 1, 2, 2), group=2, auto_pad="SAME_UPPER", dilations=[1, 2])
    yield single("Conv", x(1, 2, 6), c(1.0, 3, 2, 3), pads=[1, 0])
    yield single("ConvTranspose", IMAGE, WEIGHTS, strides=[2, 2], pads=[1, 1, 0, 0], output_padding=[1, 0])
    yield single("MatMul", x(2, 3), c(0.5, 3, 4))
    yield single("MatMul", x(2, 2, 3), x(2, 3, 2))
    yield single("Gemm", x(3, 2), c(0.5, 4, 3), c(1.0, 4), transA=1, transB=1, alpha=0.5, beta=2.0)
    yield single("MaxPool", IMAGE, outputs=2, kernel_shape=[2, 2], strides=[2, 2], storage_order=0)
    yield single("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1], ceil_mode=1, count_include_pad=1, opset=19)
    yield single("LpPool", IMAGE, kernel_shape=[2, 2], p=2)
    yield single("GlobalMaxPool", IMAGE)
    yield single("GlobalAveragePool", IMAGE)
    yield single("Det", x(2, 2))


def elements():
    for kind in ("Add", "Sub", "Mul", "Div", "Pow", "PRelu"):
        yield single(kind, x(2, 3), c([1.0, 2.0, -1.0], 3))
    for kind in ("Min", "Max", "Sum", "Mean"):
        yield single(kind, x(2, 3), c([1.0, 2.0, -1.0], 3), x(2, 1))
    yield single("Mod", x(2, kind=S32), c([3, -3], 2, kind=S32), fmod=0)
    for kind in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        yield single(kind, x(3, kind=S32), c(5, 3, kind=S32), opset=18)
    yield single("BitShift", x(3, kind=U8), c(1, 3, kind=U8), direction="LEFT")
    for kind in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"):
        yield single(kind, x(2, 3), c(0.0, 3))
    for kind in ("And", "Or", "Xor"):
        yield single(kind, x(3, kind=BOOL), c([1, 0, 1], 3, kind=BOOL))
    yield single("Where", c([1, 0], 2, kind=BOOL), x(2), c(0.0, 1))
    yield single("Not", x(3, kind=BOOL))
    for kind in ("Abs", "Neg", "Exp", "Log", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Sin", "Cos", "Erf", "Relu",
                 "Sigmoid", "Tanh", "HardSwish", "Softplus", "Softsign", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh",
                 "Asinh", "Acosh", "Atanh", "Identity", "IsNaN", "Elu", "Selu", "Celu", "LeakyRelu", "HardSigmoid",
                 "ThresholdedRelu", "Shrink"):
        yield single(kind, x(3))
    yield single("Mish", x(3), opset=18)
    yield single("Swish", x(3), opset=24, alpha=1.5)
    yield single("Gelu", x(3), opset=20, approximate="tanh")
    yield single("Gelu", x(3), domain=MS)
    yield single("IsInf", x(3), detect_negative=0)
    yield single("BitwiseNot", x(3, kind=S32), opset=18)
    yield single("Clip", x(3), one(-1.0), one(2.0))
    yield single("Clip", x(3), opset=7, min=-1.0, max=2.0)
    yield single("Dropout", x(3), one(0.5), outputs=2, opset=13)
    yield single("Cast", x(3), to=S32)
    yield single("CastLike", x(3), c(0, 1, kind=S8), opset=19)


def axes():
    for kind in ("Softmax", "LogSoftmax", "Hardmax"):
        yield single(kind, x(2, 3), axis=-1)
    yield single("Softmax", x(2, 3, 2), axis=1, opset=11)
    for kind in ("ArgMax", "ArgMin"):
        yield single(kind, x(2, 3), axis=1, keepdims=0, select_last_index=1)
    yield single("CumSum", x(2, 3), one(1, S32), exclusive=1, reverse=1)
    yield single("TopK", x(2, 4), i64(2), outputs=2, axis=1, largest=0)
    for kind in ("Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"):
        yield single("Reduce" + kind, x(2, 3, 2), opset=13, axes=[1], keepdims=0)
    yield single("ReduceSum", x(2, 3, 2), i64(0, 2), keepdims=1, noop_with_empty_axes=1)
    yield single("BatchNormalization", IMAGE, c(1.0, 2), c(0.5, 2), c(0.1, 2), c(2.0, 2), epsilon=1e-3)
    yield single("LayerNormalization", x(2, 4), c(1.0, 4), c(0.0, 4), axis=-1)
    yield single("InstanceNormalization", IMAGE, c(1.0, 2), c(0.0, 2))
    yield single("GroupNormalization", IMAGE, c(1.0, 2), c(0.0, 2), num_groups=2, opset=21)
    yield single("RMSNormalization", x(2, 4), c(1.0, 4), opset=23)
    yield single("LpNormalization", x(2, 4), p=1)
    yield single("LRN", IMAGE, size=3)


def moves():
    yield single("Reshape", x(2, 6), i64(3, -1))
    yield single("Flatten", IMAGE, axis=2)
    yield single("Squeeze", x(1, 3, 1), i64(0))
    yield single("Squeeze", x(1, 3, 1), axes=[2], opset=11)
    yield single("Unsqueeze", x(3), i64(0, 2))
    yield single("Transpose", x(2, 3, 4), perm=[2, 0, 1])
    yield single("Concat", x(2, 1), c(1.0, 2, 2), x(2, 1), axis=1)
    yield single("Split", x(4, 2), i64(1, 3), outputs=2, axis=0)
    yield single("Split", x(5, 2), outputs=2, num_outputs=2, opset=18)
    yield single("Slice", x(4, 4), i64(3, 0), i64(-9, 4), i64(0, 1), i64(-1, 2))
    yield single("Slice", x(4, 4), opset=9, starts=[1], ends=[3], axes=[0])
    yield single("Pad", x(3, 3), i64(1, 0, 0, 2), one(0.5), mode="constant")
    yield single("Pad", x(3, 3), i64(1, 2, 0, 2), mode="reflect")
    yield single("Pad", x(3, 3), opset=9, pads=[0, 1, 1, 0], mode="edge")
    yield single("Expand", x(3, 1), i64(2, 1, 4))
    yield single("Tile", x(2, 2), i64(2, 3))
    yield single("Gather", x(4, 2), c([3, -1], 2, kind=S64), axis=0)
    yield single("GatherElements", x(2, 2), c([1, 0, 0, 0], 2, 2, kind=S64), axis=1)
    yield single("GatherND", x(2, 2, 2), c([1, 0], 2, 1, kind=S64), batch_dims=1, opset=13)
    for kind, opset in (("ScatterElements", 18), ("Scatter", 10)):
        yield single(kind, x(3, 3), c([2, 0], 1, 2, kind=S64), c([1.0, 2.0], 1, 2), axis=1, opset=opset)
    yield single("ScatterND", x(4), c([1, 3], 2, 1, kind=S64), c([1.0, 2.0], 2), reduction="add", opset=18)
    yield single("Trilu", x(3, 3), one(1, S64), upper=0)
    yield single("EyeLike", x(3, 4), k=1)
    yield single("OneHot", x(3, kind=S64), one(4, S64), c([0.0, 1.0], 2), axis=0)
    yield single("Compress", x(3, 2), c([1, 0, 1], 3, kind=BOOL), axis=0)
    yield single("NonZero", c([1.0, 0.0, 2.0], 3))
    yield single("Resize", IMAGE, None, c([1.0, 1.0, 2.0, 1.5], 4), mode="linear", coordinate_transformation_mode="align_corners")
    yield single("Resize", IMAGE, None, None, i64(1, 2, 3, 7), mode="cubic", cubic_coeff_a=-0.5)
    yield single("Resize", IMAGE, None, c([2.0, 2.0], 2), mode="nearest", nearest_mode="ceil", axes=[2, 3], opset=18)
    yield single("Upsample", IMAGE, c([1.0, 1.0, 2.0, 2.0], 4), opset=9, mode="nearest")
    yield single("DepthToSpace", x(1, 4, 2, 2), blocksize=2, mode="CRD")
    yield single("SpaceToDepth", IMAGE, blocksize=2)
    yield single("Shape", IMAGE, start=1, end=-1)
    yield single("Size", IMAGE)
    yield single("ConstantOfShape", i64(2, 3), value=("tensor", tensor("", F, (1,), [0.5])))
    yield single("Range", one(1, S64), one(9, S64), one(3, S64))
    yield single("Constant", value_floats=[1.0, 2.0])
    yield single("Constant", value=("tensor", tensor("", S64, (2,), [4, 5])))


SCALE, ZERO = one(0.05), one(3, U8)
EVEN = one(0, S8)


def quantized():
    yield single("QuantizeLinear", x(2, 3), SCALE, ZERO)
    yield single("QuantizeLinear", x(2, 3), c(0.1, 3), c(1, 3, kind=S8), axis=1)
    yield single("DequantizeLinear", x(2, 3, kind=U8), SCALE, ZERO)
    yield single("DequantizeLinear", x(2, 4, kind=S8), c(0.1, 2, 2), None, axis=1, block_size=2, opset=21)
    yield single("DynamicQuantizeLinear", x(2, 3), outputs=3)
    image = x(1, 2, 4, 4, kind=U8)
    for domain in ("", MS):
        yield single("QLinearConv", image, SCALE, ZERO, CODES, c(0.02, 2), c(0, 2, kind=S8), SCALE, ZERO, c([7, -9], 2, kind=S32),
                     domain=domain, pads=[1, 1, 1, 1], strides=[2, 2])
        for kind, operands in (("QuantizeLinear", (x(3), SCALE, ZERO)), ("DequantizeLinear", (x(3, kind=U8), SCALE, ZERO))):
            yield single(kind, *operands, domain=domain)
    yield single("QLinearMatMul", x(2, 3, kind=U8), SCALE, ZERO, c(2, 3, 2, kind=S8), SCALE, EVEN, SCALE, ZERO)
    yield single("ConvInteger", image, CODES, ZERO)
    yield single("MatMulInteger", x(2, 3, kind=U8), c(-2, 3, 2, kind=S8), ZERO, EVEN)
    for kind in ("QLinearAdd", "QLinearMul"):
        yield single(kind, x(2, 3, kind=U8), SCALE, ZERO, c(9, 3, kind=U8), SCALE, ZERO, SCALE, ZERO, domain=MS)
    yield single("QLinearSigmoid", x(3, kind=U8), SCALE, ZERO, one(1 / 256), one(0, U8), domain=MS)
    yield single("QLinearLeakyRelu", x(3, kind=S8), SCALE, EVEN, SCALE, EVEN, domain=MS, alpha=0.2)
    yield single("QLinearSoftmax", x(2, 3, kind=U8), SCALE, ZERO, one(1 / 256), one(0, U8), domain=MS, axis=1, opset=13)
    yield single("QLinearConcat", SCALE, ZERO, x(2, kind=U8), SCALE, ZERO, x(1, kind=U8), one(0.1), ZERO, domain=MS, axis=0)
    yield single("QLinearAveragePool", image, SCALE, ZERO, SCALE, ZERO, domain=MS, kernel_shape=[2, 2])
    yield single("QLinearGlobalAveragePool", image, SCALE, ZERO, SCALE, ZERO, domain=MS)
    yield single("QGemm", x(2, 3, kind=U8), SCALE, ZERO, c(1, 3, 2, kind=S8), SCALE, EVEN, c([4, 5], 2, kind=S32), SCALE, ZERO, domain=MS)
    yield single("MatMulIntegerToFloat", x(2, 3, kind=U8), c(-2, 3, 2, kind=S8), SCALE, c(0.02, 2), ZERO, EVEN, c([1, -1], 2), domain=MS)
    yield single("DynamicQuantizeMatMul", x(2, 3), c(-2, 3, 2, kind=S8), c(0.02, 2), c(0, 2, kind=S8), c([1, -1], 2), domain=MS)
    yield narrow()
    yield pairs()


def encoders():
    """What the optimizer of ONNX Runtime makes of transformers."""
    for kind in ("BiasGelu", "FastGelu"):
        yield single(kind, x(2, 3), c(0.5, 3), domain=MS)
    yield single("FastGelu", x(2, 3), domain=MS)
    yield single("QuickGelu", x(2, 3), domain=MS, alpha=1.5)
    yield single("SkipLayerNormalization", x(1, 2, 3), x(1, 2, 3), c(1.5, 3), c(0.5, 3), c(0.1, 3), domain=MS, epsilon=1e-5)
    yield single("FusedMatMul", x(2, 3), x(4, 3), domain=MS, transB=1, alpha=0.5)


def narrow():
    """Weights of the domain of its own, and of 4 and 2 bits."""
    constants = [onnx.field(1, 2) + onnx.field(1, 4) + onnx.field(2, onnx.UINT4) + onnx.field(8, "codes") + onnx.field(9, b"\x10\x32\x54\x76"),
                 tensor("table", S8, (16,), list(range(-8, 8))), tensor("s", F, (), [0.5]),
                 tensor("bits", U8, (1,), [0x5a]),
                 onnx.field(1, 2) + onnx.field(1, 4) + onnx.field(2, onnx.INT4) + onnx.field(8, "four") + onnx.field(9, b"\x1f\x2e\x3d\x4c"),
                 onnx.field(1, 2) + onnx.field(1, 4) + onnx.field(2, onnx.INT2) + onnx.field(8, "two") + onnx.field(9, b"\x1e\xb1")]
    nodes = [node("DequantizeCodebook", ["codes", "table", "s"], ["p"], XQ, axis=0),
             node("DequantizeBinary", ["bits", "s"], ["q"], XQ, shape=[2, 4]),
             node("DequantizeLinear", ["four", "s"], ["r"]), node("DequantizeLinear", ["two", "s"], ["t"]),
             node("Sum", ["p", "q", "r", "t"], ["y"]), node("MatMul", ["a", "y"], ["z"])]
    return model(nodes, [("a", F, [3, 2])], ["z"], constants, 25)


def pairs():
    """Convolution, addition and pool between DequantizeLinear and QuantizeLinear, which the device takes."""
    constants = [tensor("w", *CODES[1:], CODES[0]), tensor("s", F, (), [0.25]), tensor("z", U8, (), [128]), tensor("ws", F, (), [0.5]),
                 tensor("b", S32, (2,), [8, -8]), tensor("bs", F, (), [0.125])]
    nodes = [node("QuantizeLinear", ["a", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["d"]),
             node("DequantizeLinear", ["w", "ws"], ["wd"]), node("DequantizeLinear", ["b", "bs"], ["bd"]),
             node("Conv", ["d", "wd", "bd"], ["e"], pads=[1, 1, 1, 1]), node("Relu", ["e"], ["f"]),
             node("QuantizeLinear", ["f", "s", "z"], ["g"]), node("DequantizeLinear", ["g", "s", "z"], ["h"]),
             node("Add", ["h", "d"], ["i"]), node("QuantizeLinear", ["i", "s", "z"], ["j"]), node("DequantizeLinear", ["j", "s", "z"], ["k"]),
             node("GlobalAveragePool", ["k"], ["l"]), node("QuantizeLinear", ["l", "s", "z"], ["m"]), node("DequantizeLinear", ["m", "s", "z"], ["y"])]
    return model(nodes, [("a", F, list(IMAGE[2]))], ["y"], constants, 13)


def control():
    then = subgraph([node("Neg", ["a"], ["p"])], [], ["p"])
    other = subgraph([node("Add", ["a", "k"], ["q"])], [], ["q"], [tensor("k", F, (1,), [2.0])])
    yield model([node("ReduceSum", ["a"], ["s"], keepdims=0), node("Greater", ["s", "zero"], ["t"]),
                 node("If", ["t"], ["y"], then_branch=then, else_branch=other)], [("a", F, [3])], ["y"], [tensor("zero", F, (), [0.0])])
    yield model([node("If", ["t"], ["y"], then_branch=then, else_branch=other)], [("a", F, [3])], ["y"], [tensor("t", BOOL, (), [1])])
    body = subgraph([node("Add", ["s", "one"], ["t"]), node("Less", ["i", "last"], ["d"])], ["i", "c", "s"], ["d", "t", "t"],
                    [tensor("last", S64, (), [2])])
    yield model([node("Loop", ["n", "yes", "a"], ["y", "z"], body=body)], [("a", F, [2])], ["y", "z"],
                [tensor("n", S64, (), [5]), tensor("yes", BOOL, (), [1]), tensor("one", F, (), [1.0])])
    body = subgraph([node("Add", ["s", "e"], ["t"]), node("Mul", ["t", "e"], ["u"])], ["s", "e"], ["t", "u"])
    yield model([node("Scan", ["first", "a"], ["y", "z"], body=body, num_scan_inputs=1, scan_input_directions=[1], scan_output_axes=[0])],
                [("a", F, [3, 2])], ["y", "z"], [tensor("first", F, (2,), [0.0, 1.0])])
    for kind, gates, extra in (("LSTM", 4, {}), ("GRU", 3, {"linear_before_reset": 1}), ("RNN", 1, {"direction": "reverse"})):
        yield single(kind, x(2, 1, 3), c(0.1, 1, 2 * gates, 3), c(0.2, 1, 2 * gates, 2), c(0.3, 1, 4 * gates),
                     outputs=3 if kind == "LSTM" else 2, hidden_size=2, **extra)


def bad():
    """What a session can't be made of by itself: a dimension that is left open, and weights elsewhere."""
    yield model([node("Relu", ["a"], ["y"])], [("a", F, ["n", 3])], ["y"], (), 13,
                [onnx.field(13, onnx.value("y", F, ["n", 3]))])
    external = (onnx.field(1, 3) + onnx.field(2, F) + onnx.field(8, "w") + onnx.field(14, 1) +
                b"".join(onnx.field(13, onnx.field(1, k) + onnx.field(2, v)) for k, v in (("location", "w"), ("offset", "0"), ("length", "12"))))
    yield model([node("Add", ["a", "w"], ["y"])], [("a", F, [3])], ["y"], [external])


def others():
    """What is read besides operators: constants by other fields, shapes that are computed from shapes."""
    floats = onnx.field(1, 2) + onnx.field(2, F) + onnx.field(4, struct.pack("<2f", 1.0, 2.0)) + onnx.field(8, "w")
    integers = onnx.field(1, 2) + onnx.field(2, S64) + onnx.field(7, b"\x01\x02") + onnx.field(8, "v")
    yield model([node("Mul", ["a", "w"], ["p"]), node("Reshape", ["p", "v"], ["y"])], [("a", F, [2])], ["y"], [floats, integers])
    yield model([node("Shape", ["a"], ["s"]), node("Gather", ["s", "k"], ["d"], axis=0), node("Concat", ["k", "d"], ["r"], axis=0),
                 node("Reshape", ["a", "r"], ["y"])], [("a", F, [1, 6])], ["y"], [tensor("k", S64, (1,), [1])])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for make in (products, elements, axes, moves, quantized, encoders, control, others, bad):
        for number, file in enumerate(make()):
            with open(os.path.join(sys.argv[1], "%s_%02d.onnx" % (make.__name__, number)), "wb") as f:
                f.write(file)


if __name__ == "__main__":
    main()
