#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Quantized operators of com.microsoft with random operands, against what they mean, written down in numpy: integers less their zero
point times the scale, the operator in real numbers, and back. Then whether each operator of that domain that is claimed is in a test.

usage: test_onnx_qlinear.py XQ... Prints KTAP.
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from with_numpy import np  # noqa: E402
import onnx_file as onnx  # noqa: E402
import xq_case  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = os.path.join(HERE, "../../libxqaccel/src/model/onnx/kinds.c")
TYPES = {"uint8": onnx.UINT8, "int8": onnx.INT8, "int32": onnx.INT32, "float32": onnx.FLOAT}
f32 = np.float32


def quantize(x, scale, zero):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint((x / scale).astype(f32)) + zero.astype(f32), limits.min, limits.max).astype(zero.dtype)


class Operand:
    """Codes with a scale and a zero point; weights may have several."""

    def __init__(self, rng, shape, dtype="uint8", channels=None, axis=0, spread=1.0):
        limits = np.iinfo(dtype)
        n = () if channels is None else (channels,)
        self.codes = rng.integers(limits.min, limits.max + 1, shape).astype(dtype)
        self.scale = (spread * rng.uniform(0.01, 0.03, n)).astype(f32)
        self.zero = rng.integers(limits.min // 4, limits.max // 4 + 1, n).astype(dtype)
        self.place = [1] * len(shape)
        if channels is not None:
            self.place[axis] = channels

    def whole(self):
        return self.codes.astype(np.int32) - (self.zero.reshape(self.place) if self.zero.ndim else int(self.zero))

    def real(self):
        return self.whole().astype(f32) * (self.scale.reshape(self.place) if self.scale.ndim else self.scale)


class Case:
    def __init__(self, seed):
        self.rng, self.inputs, self.constants = np.random.default_rng(seed), {}, []

    def constant(self, value):
        value = np.asarray(value)
        name = "c%d" % len(self.constants)
        self.constants.append(onnx.tensor(name, TYPES[value.dtype.name], value.shape, value.ravel().tolist()))
        return name

    def operand(self, o, fixed=False):
        """Names of codes, scale and zero point."""
        if fixed:
            return [self.constant(o.codes), self.constant(o.scale), self.constant(o.zero)]
        self.inputs["x%d" % len(self.inputs)] = o.codes
        return ["x%d" % (len(self.inputs) - 1), self.constant(o.scale), self.constant(o.zero)]

    def output(self, dtype="uint8", scale=None, zero=None):
        middle = int(np.iinfo(dtype).min) + 128 + int(self.rng.integers(-10, 11))
        self.y_scale, self.y_zero = f32(scale if scale else self.rng.uniform(0.03, 0.05)), np.dtype(dtype).type(middle if zero is None else zero)
        return [self.constant(self.y_scale), self.constant(self.y_zero)]

    def finish(self, real):
        return quantize(real.astype(f32), self.y_scale, np.asarray(self.y_zero))


# ---- the operators: what is written, what comes out, elements that may be rounded the other way -------------------

def pair(c, kind, a, b, dtype):
    x, w = Operand(c.rng, a, dtype), Operand(c.rng, b, dtype)
    node = onnx.node(kind, c.operand(x) + c.operand(w) + c.output(dtype), ["y"])
    if kind == "QLinearAdd":
        return node, c.finish(x.real() + w.real())
    product = (x.whole() * w.whole()).astype(f32) * f32(x.scale * w.scale / c.y_scale)
    return node, quantize(product, f32(1), np.asarray(c.y_zero))


def twice(c, kind, dtype, shape, same, between):
    """One tensor is both operands, whose scales differ or not; between nodes of real numbers, too."""
    x, w = Operand(c.rng, shape, dtype), Operand(c.rng, shape, dtype)
    w.codes, w.scale = x.codes, x.scale if same else f32(3 * w.scale)
    w.zero = x.zero if same else w.zero
    first = c.operand(x)
    second = [first[0], c.constant(w.scale), c.constant(w.zero)]
    y = c.output(dtype, 0.06)
    if kind == "Add":
        want = c.finish(x.real() + w.real())
    else:
        want = quantize((x.whole() * w.whole()).astype(f32) * f32(x.scale * w.scale / c.y_scale), f32(1), np.asarray(c.y_zero))
    if not between:
        return onnx.node("QLinear" + kind, first + second + y, ["y"]), want
    return [onnx.node("DequantizeLinear", first, ["a"]), onnx.node("DequantizeLinear", second, ["b"]), onnx.node(kind, ["a", "b"], ["c"]),
            onnx.node("QuantizeLinear", ["c"] + y, ["y"])], want


def function(c, kind, dtype, **attributes):
    x = Operand(c.rng, (2, 3, 50), dtype)
    node = onnx.node(kind, c.operand(x) + c.output(dtype, 1 / 256 if kind == "QLinearSigmoid" else 0.02), ["y"], **attributes)
    r = x.real()
    if kind == "QLinearSigmoid":
        return node, c.finish(1 / (1 + np.exp(-r.astype(np.float64))))
    return node, c.finish(np.where(r < 0, f32(attributes.get("alpha", 0.01)) * r, r))


def softmax(c, dtype, axis, opset):
    x = Operand(c.rng, (2, 3, 5, 4), dtype)
    limits = np.iinfo(dtype)
    node = onnx.node("QLinearSoftmax", c.operand(x) + c.output(dtype, 1 / 256, limits.min), ["y"], axis=axis, opset=opset)
    r = x.real().astype(np.float64)
    if opset < 13:
        r = r.reshape(int(np.prod(r.shape[:axis % 4])), -1)
        axis = -1
    e = np.exp(r - r.max(axis, keepdims=True))
    return node, c.finish((e / e.sum(axis, keepdims=True)).reshape(x.codes.shape))


def concat(c, dtype, axis):
    shapes = [[2, 3, 4], [2, 3, 4], [2, 3, 4]]
    for i, s in enumerate(shapes):
        s[axis] += i
    x = [Operand(c.rng, s, dtype) for s in shapes]
    y = c.output(dtype, 0.02)
    return onnx.node("QLinearConcat", y + [n for o in x for n in c.operand(o)], ["y"], axis=axis), c.finish(np.concatenate([o.real() for o in x], axis))


def windows(x, kernel, stride, pads, count_pad):
    """Sums of whole numbers over windows of [n][c][h][w], and how many elements each has."""
    n, ch, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    there = np.pad(np.ones((h, w), np.int64), ((pads[0], pads[2]), (pads[1], pads[3])), constant_values=int(count_pad))
    out = [(s + pads[d] + pads[d + 2] - kernel[d]) // stride[d] + 1 for d, s in enumerate((h, w))]
    sums, counts = np.zeros((n, ch, *out), np.int64), np.zeros(out, np.int64)
    for i in range(out[0]):
        for j in range(out[1]):
            at = np.s_[i * stride[0]:i * stride[0] + kernel[0], j * stride[1]:j * stride[1] + kernel[1]]
            sums[:, :, i, j] = padded[(..., *at)].sum((2, 3))
            counts[i, j] = there[at].sum()
    return sums, counts


def pool(c, dtype, kernel, stride, pads, count_pad, last):
    shape = (2, 3, 8, 9)
    x = Operand(c.rng, (2, 8, 9, 3) if last else shape, dtype)
    node = onnx.node("QLinearAveragePool", c.operand(x) + c.output(dtype, 0.015), ["y"], kernel_shape=kernel, strides=stride, pads=pads,
                     count_include_pad=count_pad, channels_last=last)
    whole = x.whole().transpose(0, 3, 1, 2) if last else x.whole()
    sums, counts = windows(whole, kernel, stride, pads, count_pad)
    y = quantize(sums.astype(f32) * (x.scale / (c.y_scale * counts.astype(f32))), f32(1), np.asarray(c.y_zero))
    return node, y.transpose(0, 2, 3, 1) if last else y


def global_pool(c, dtype, last):
    x = Operand(c.rng, (2, 3, 3, 20) if last else (2, 20, 3, 3), dtype)
    node = onnx.node("QLinearGlobalAveragePool", c.operand(x) + c.output(dtype, 0.02), ["y"], channels_last=last)
    axes = (1, 2) if last else (2, 3)
    count = x.codes.size // 2 // x.codes.shape[3 if last else 1]
    sums = x.whole().sum(axes, keepdims=True).astype(f32)
    return node, quantize(sums * (x.scale / (c.y_scale * f32(count))), f32(1), np.asarray(c.y_zero))


def gemm(c, dtype, turned, bias, channels, real):
    m, k, n = 4, 30, 6
    x = Operand(c.rng, (k, m) if turned & 1 else (m, k), dtype)
    w = Operand(c.rng, (n, k) if turned & 2 else (k, n), "int8", n if channels else None, 0 if turned & 2 else 1)
    b = c.rng.integers(-5000, 5000, n).astype(np.int32)
    operands = c.operand(x) + c.operand(w, True) + [c.constant(b) if bias else ""]
    operands += [] if real else c.output(dtype, 1.0)
    acc = (x.whole().T if turned & 1 else x.whole()) @ (w.whole().T if turned & 2 else w.whole()) + (b if bias else 0)
    y = acc.astype(f32) * (x.scale * w.scale)
    node = onnx.node("QGemm", operands, ["y"], transA=turned & 1, transB=turned >> 1)
    return node, y if real else quantize((acc * ((x.scale * w.scale) / c.y_scale).astype(np.float64)).astype(f32), f32(1), np.asarray(c.y_zero))


def conv(c, dtype, last):
    x = Operand(c.rng, (1, 6, 7, 3) if last else (1, 3, 6, 7), dtype)
    w = Operand(c.rng, (5, 3, 2, 2), "int8", 5, 0)
    w.zero[:] = 0
    node = onnx.node("QLinearConv", c.operand(x) + c.operand(w, True) + c.output(dtype, 0.4), ["y"], kernel_shape=[2, 2], channels_last=last)
    a, k = x.whole(), w.whole()
    a = a.transpose(0, 3, 1, 2) if last else a
    acc = sum(np.einsum("nchw,oc->nohw", a[:, :, i:i + 5, j:j + 6], k[:, :, i, j]) for i in range(2) for j in range(2))
    y = quantize((acc * ((x.scale * w.scale) / c.y_scale).astype(np.float64).reshape(1, -1, 1, 1)).astype(f32), f32(1), np.asarray(c.y_zero))
    return node, y.transpose(0, 2, 3, 1) if last else y


CASES = [(pair, kind, a, b, dtype) for kind in ("QLinearAdd", "QLinearMul") for dtype in ("uint8", "int8")
         for a, b in (((1, 3, 4, 50), (1, 3, 4, 50)), ((2, 3, 4), (4,)), ((3, 1, 5), (1, 4, 5)))]
CASES += [(twice, kind, d, shape, same, between) for kind, between in (("Add", 0), ("Add", 1), ("Mul", 0)) for d in ("uint8", "int8")
          for shape in ((1, 3, 4, 8), (2, 50)) for same in (0, 1)]
CASES += [(function, "QLinearSigmoid", d) for d in ("uint8", "int8")] + [(function, "QLinearLeakyRelu", d) for d in ("uint8", "int8")]
CASES += [(softmax, d, axis, opset) for d in ("uint8", "int8") for axis, opset in ((-1, 13), (1, 13), (2, 11))]
CASES += [(concat, d, axis) for d in ("uint8", "int8") for axis in range(3)]
CASES += [(pool, d, *how) for d in ("uint8", "int8") for how in (([2, 2], [2, 2], [0, 0, 0, 0], 0, 0), ([3, 2], [1, 2], [1, 0, 1, 1], 0, 0),
                                                               ([3, 3], [2, 1], [1, 1, 1, 1], 1, 0), ([3, 3], [1, 1], [1, 1, 1, 1], 0, 1))]
CASES += [(global_pool, d, last) for d in ("uint8", "int8") for last in (0, 1)]
CASES += [(gemm, "uint8", turned, turned != 1, channels, real) for turned in range(4) for channels in (False, True) for real in (False, True)]
CASES += [(conv, "uint8", 0), (conv, "uint8", 1), (conv, "int8", 0)]


class Tests(xq_case.Tests):
    names = ("operators", "other_axis", "claimed")

    def operators(self):
        for i, (make, *how) in enumerate(CASES):
            c, what = Case(i), "%s %s" % (make.__name__, how)
            node, want = make(c, *how)
            inputs = [onnx.value(n, TYPES[v.dtype.name], v.shape) for n, v in c.inputs.items()]
            dims = tuple("abcd"[:want.ndim])
            with open("m.onnx", "wb") as f:
                nodes = node if isinstance(node, list) else [node + onnx.field(7, "com.microsoft")]
                f.write(onnx.model(nodes, inputs, [onnx.value("y", TYPES[want.dtype.name], dims)], c.constants) +
                        onnx.field(8, onnx.field(1, "com.microsoft") + onnx.field(2, 1)))
            words = []
            for n, v in c.inputs.items():
                np.save(n + ".npy", v)
                words += ["--input", n + ".npy"]
            if self.run("run", "m.onnx", *words, "-o", "y.npy", "--device", "soft").returncode:
                self.problems[-1] = what + ": " + self.problems[-1]
                continue
            got = np.load("y.npy")
            if got.shape != want.shape or got.dtype != want.dtype:
                self.expect(False, "%s: %s %s, not %s %s" % (what, got.dtype, got.shape, want.dtype, want.shape))
            elif want.dtype == f32:
                self.expect(np.allclose(got, want, 1e-6, 1e-6), "%s differs by %g" % (what, np.abs(got - want).max()))
            else:
                self.expect(np.array_equal(got, want), "%s: %d of %d differ, at most by %d" %
                            (what, (got != want).sum(), want.size, np.abs(got.astype(int) - want.astype(int)).max()))
            self.expect(len(set(want.ravel().tolist())) > 3, "%s: all results are the same" % what)

    def other_axis(self):
        """Weights may have a scale for each row, and the bias one for each column. Names that grow move the constants in the file."""
        rng = np.random.default_rng(1)
        k, n = 64, 3
        x, w, b = rng.integers(0, 256, (2, k)).astype(np.uint8), rng.integers(-128, 128, (k, n)).astype(np.int8), np.array([500, -600, 700], np.int32)
        c = {"w": w, "b": b, "sx": np.array(0.0625, f32), "sw": np.full(k, 0.03125, f32), "sb": np.full(n, 0.0625 * 0.03125, f32),
             "sy": np.array(2, f32), "zy": np.array(-5, np.int8), "zx": np.array(130, np.uint8)}
        real = ((x.astype(np.int32) - 130) @ w.astype(np.int32) + b).astype(f32) * f32(0.0625 * 0.03125)
        want = quantize(real, f32(2), c["zy"])
        np.save("x.npy", x)
        for more in range(4):
            name = {key: key + "_" * more for key in c}
            nodes = [onnx.node("DequantizeLinear", ["x", name["sx"], name["zx"]], ["xr"]),
                     onnx.node("DequantizeLinear", [name["w"], name["sw"]], ["wr"], axis=0),
                     onnx.node("DequantizeLinear", [name["b"], name["sb"]], ["br"], axis=0), onnx.node("Gemm", ["xr", "wr", "br"], ["r"]),
                     onnx.node("QuantizeLinear", ["r", name["sy"], name["zy"]], ["y"])]
            with open("m.onnx", "wb") as f:
                f.write(onnx.model(nodes, [onnx.value("x", onnx.UINT8, x.shape)], [onnx.value("y", onnx.INT8, want.shape)],
                                   [onnx.tensor(name[key], TYPES[v.dtype.name], v.shape, v.ravel().tolist()) for key, v in c.items()]))
            if not self.run("run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft").returncode:
                got = np.load("y.npy")
                self.expect(np.array_equal(got, want), "%s, not %s" % (got.tolist(), want.tolist()))

    def claimed(self):
        with open(KINDS, encoding="utf-8") as f:
            claimed = set(re.findall(r'\{\s*"com.microsoft",\s*"(\w+)"', f.read()))
        text = ""
        for path in glob.glob(os.path.join(HERE, "*.py")) + glob.glob(os.path.join(HERE, "*.c")):
            with open(path, encoding="utf-8") as f:
                text += f.read()
        missing = [n for n in sorted(claimed) if '"%s"' % n not in text]
        self.expect(len(claimed) > 15 and not missing, "without a test: %s" % missing)
        print("# %d operators of com.microsoft are claimed" % len(claimed))


if __name__ == "__main__":
    sys.exit(xq_case.main(Tests, sys.argv[1:]))
