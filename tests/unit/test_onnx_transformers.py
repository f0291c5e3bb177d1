#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Encoders of text and of images, small ones with random weights, in the forms that exporters and quantizers give them, against
operators of ONNX written down again in numpy, one at a time and in float32.

usage: test_onnx_transformers.py XQ... Prints KTAP.
"""
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from with_numpy import np  # noqa: E402
import onnx_file as onnx  # noqa: E402
import xq_case  # noqa: E402

BATCH, LENGTH, WIDTH, HEADS, INNER, WORDS, LAYERS = 2, 9, 32, 4, 64, 60, 2
IMAGE, PATCH, CLASSES = 32, 8, 10
KIND = {"float32": onnx.FLOAT, "uint8": onnx.UINT8, "int8": onnx.INT8, "int32": onnx.INT32, "int64": onnx.INT64}
f32 = np.float32


# ---- what operators mean ---------------------------------------------------------------------------------------

def erf(x):
    return np.vectorize(math.erf, otypes=[f32])(x)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return (e / e.sum(axis, keepdims=True)).astype(f32)


def layer_norm(x, scale, bias=None, axis=-1, epsilon=1e-5, **_):
    x = x.astype(np.float64)
    axes = tuple(range(axis % x.ndim, x.ndim))
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon) * scale
    return (y + (0 if bias is None else bias)).astype(f32)


def along(v, x, axis):
    return v.reshape([-1 if d == axis % x.ndim else 1 for d in range(x.ndim)]) if v.ndim == 1 and v.size > 1 else v.reshape(())


def quantize(x, scale, zero, axis=1):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint(x / along(scale, x, axis)) + along(zero, x, axis), limits.min, limits.max).astype(zero.dtype)


def dequantize(q, scale, zero=None, axis=1):
    zero = np.zeros(scale.shape, q.dtype) if zero is None else zero
    return ((q.astype(np.int64) - along(zero, q, axis)) * along(scale, q, axis)).astype(f32)


def dynamic_quantize(x):
    low, high = min(x.min(), f32(0)), max(x.max(), f32(0))
    scale = f32((high - low) / f32(255))
    zero = np.uint8(np.clip(np.rint(-low / scale), 0, 255))
    return quantize(x, np.array(scale), np.array(zero)), np.array(scale), np.array(zero)


def matmul_integer(a, b, a_zero, b_zero):
    return ((a.astype(np.int64) - a_zero) @ (b.astype(np.int64) - (b_zero if b_zero.ndim else b_zero))).astype(np.int32)


def to_float(a, b, a_scale, b_scale, a_zero, b_zero, bias):
    y = matmul_integer(a, b, a_zero, np.asarray(0 if b_zero is None else b_zero)).astype(f32) * (a_scale * b_scale)
    return (y if bias is None else y + bias).astype(f32)


def dynamic_matmul(a, b, scale, zero=None, bias=None):
    q, s, z = dynamic_quantize(a)
    return to_float(q, b, s, scale, z, zero, bias)


def skip_norm(x, skip, gamma, beta=None, bias=None, epsilon=1e-12):
    x = x + skip + (0 if bias is None else bias)
    return layer_norm(x, gamma, beta, -1, epsilon), None, None, x


def gelu(x):
    return (x * f32(0.5) * (1 + erf(x / f32(math.sqrt(2))))).astype(f32)


def fast_gelu(x, bias=None):
    x = x if bias is None else x + bias
    return (0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))).astype(f32)


def patches(x, w, b=None, strides=None):
    n, c, h, v = x.shape
    o, k = w.shape[0], w.shape[2]
    x = x.reshape(n, c, h // k, k, v // k, k).transpose(0, 2, 4, 1, 3, 5).reshape(n, h // k, v // k, -1)
    return ((x @ w.reshape(o, -1).T) + (0 if b is None else b)).transpose(0, 3, 1, 2).astype(f32)


def reshape(x, shape):
    return x.reshape([x.shape[i] if d == 0 else int(d) for i, d in enumerate(shape)])


OPERATORS = {
    "Add": lambda a, b: a + b, "Sub": lambda a, b: a - b, "Mul": lambda a, b: a * b, "Div": lambda a, b: a / b, "Pow": lambda a, b: a ** b,
    "Sqrt": np.sqrt, "Tanh": np.tanh, "Erf": erf, "MatMul": lambda a, b: a @ b, "Softmax": softmax, "LayerNormalization": layer_norm,
    "Gemm": lambda a, b, c, transB=0: a @ (b.T if transB else b) + c,
    "ReduceMean": lambda x, axes: x.mean(tuple(axes), keepdims=True, dtype=np.float64).astype(f32),
    "Transpose": lambda x, perm: x.transpose(perm), "Reshape": reshape, "Concat": lambda *x, axis: np.concatenate(x, axis),
    "Gather": lambda x, i, axis=0: np.take(x, i, axis), "Unsqueeze": lambda x, axes: np.expand_dims(x, tuple(int(a) for a in axes)),
    "Shape": lambda x: np.array(x.shape, np.int64), "Cast": lambda x, to: x.astype({1: f32, 7: np.int64}[to]), "Conv": patches,
    "Expand": lambda x, shape: np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape))), "Slice": lambda x, b, e, a: x[:, int(b[0]):int(e[0])],
    "QuantizeLinear": quantize, "DequantizeLinear": dequantize, "DynamicQuantizeLinear": dynamic_quantize, "MatMulInteger": matmul_integer,
    "SkipLayerNormalization": skip_norm, "Gelu": gelu, "BiasGelu": lambda x, b: gelu(x + b), "FastGelu": fast_gelu,
    "QuickGelu": lambda x, alpha: x / (1 + np.exp(-f32(alpha) * x)), "FusedMatMul": lambda a, b, alpha, transB: a @ b.swapaxes(-1, -2) * f32(alpha),
    "DynamicQuantizeMatMul": dynamic_matmul, "MatMulIntegerToFloat": to_float,
}


# ---- models ----------------------------------------------------------------------------------------------------

class Model:
    """Nodes as they are written to a file and as the reference goes through them."""

    def __init__(self, form):
        self.form, self.rng, self.nodes, self.constants, self.known, self.count = form, np.random.default_rng(7), [], [], {}, 0
        self.scales = {}

    def constant(self, value):
        value = np.asarray(value)
        self.count += 1
        name = "c%d" % self.count
        self.known[name] = value
        self.constants.append(onnx.tensor(name, KIND[value.dtype.name], value.shape, value.ravel().tolist()))
        return name

    def op(self, kind, *inputs, outputs=1, domain="", **attributes):
        self.count += 1
        names = ["t%d" % self.count] if outputs == 1 else ["t%d_%d" % (self.count, i) for i in range(outputs)]
        if domain and outputs > 1:
            names[1:-1] = [""] * (outputs - 2)
        self.nodes.append((kind, list(inputs), names, domain, attributes))
        return names[0] if outputs == 1 else names

    def com(self, kind, *inputs, outputs=1, **attributes):
        return self.op(kind, *inputs, outputs=outputs, domain="com.microsoft", **attributes)

    def weights(self, *shape):
        return (self.rng.standard_normal(shape) / math.sqrt(shape[0])).astype(f32)

    def vector(self, n, around=0.0):
        return (around + 0.1 * self.rng.standard_normal(n)).astype(f32)

    def evaluate(self, inputs):
        values = {**self.known, **inputs, "": None}
        for kind, operands, names, _, attributes in self.nodes:
            got = OPERATORS[kind](*(values[o] for o in operands), **attributes)
            values.update(zip(names, got) if isinstance(got, tuple) else [(names[0], np.asarray(got))])
        return values

    def bytes(self, inputs, outputs):
        nodes = [onnx.node(kind, operands, names, **{k: list(v) if isinstance(v, tuple) else v for k, v in attributes.items()}) +
                 (onnx.field(7, domain) if domain else b"") for kind, operands, names, domain, attributes in self.nodes]
        return onnx.model(nodes, inputs, outputs, self.constants, 18) + onnx.field(8, onnx.field(1, "com.microsoft") + onnx.field(2, 1))

    # ---- what is made of operators, in each form

    def codes(self, w, channels):
        """Weights of 8 bits: codes, scales, zero points."""
        scale = (np.abs(w).max(0 if channels else None) / f32(127)).astype(f32)
        return np.clip(np.rint(w / scale), -127, 127).astype(np.int8), scale, np.zeros(scale.shape, np.int8)

    def activation(self, x, low=-6.0, high=6.0):
        """Through 8 bits and back, in the form that has it everywhere."""
        if self.form != "static":
            return x
        scale = f32((high - low) / 255)
        s, z = self.constant(scale), self.constant(np.uint8(round(-low / scale)))
        return self.op("DequantizeLinear", self.op("QuantizeLinear", x, s, z), s, z)

    def product(self, x, n, k, bias=True):
        w, b = self.weights(k, n), self.constant(self.vector(n)) if bias else ""
        q, scale, zero = self.codes(w, self.form != "dynamic")
        if self.form == "dynamic":
            y, s, z = self.op("DynamicQuantizeLinear", x, outputs=3)
            y = self.op("Cast", self.op("MatMulInteger", y, self.constant(q), z, self.constant(zero)), to=1)
            y = self.op("Mul", y, self.op("Mul", s, self.constant(scale)))
            return self.op("Add", y, b) if b else y
        if self.form == "fused":
            return self.com("DynamicQuantizeMatMul", x, self.constant(q), self.constant(scale), self.constant(zero), b)
        if self.form == "to_float":
            y, s, z = self.op("DynamicQuantizeLinear", x, outputs=3)
            return self.com("MatMulIntegerToFloat", y, self.constant(q), s, self.constant(scale), z, self.constant(zero), b)
        if self.form == "static":
            y = self.op("MatMul", self.activation(x), self.op("DequantizeLinear", self.constant(q), self.constant(scale), self.constant(zero), axis=1))
        else:
            y = self.op("MatMul", x, self.constant(w))
        return self.activation(self.op("Add", b, y) if b else y)

    def norm(self, x):
        gamma, beta = self.constant(self.vector(WIDTH, 1.0)), self.constant(self.vector(WIDTH))
        if self.form in ("float", "static"):
            return self.op("LayerNormalization", x, gamma, beta, axis=-1, epsilon=1e-5)
        axes = self.constant(np.array([-1]))
        d = self.op("Sub", x, self.op("ReduceMean", x, axes))
        v = self.op("ReduceMean", self.op("Pow", d, self.constant(f32(2))), axes)
        y = self.op("Div", d, self.op("Sqrt", self.op("Add", v, self.constant(f32(1e-5)))))
        return self.op("Add", self.op("Mul", y, gamma), beta)

    def add_and_norm(self, x, y):
        """What is normalized, and the sum before that."""
        if self.form not in ("fused", "to_float"):
            x = self.op("Add", x, y)
            return self.norm(x), x
        bias = [self.constant(self.vector(WIDTH))] if self.form == "fused" else []
        y = self.com("SkipLayerNormalization", x, y, self.constant(self.vector(WIDTH, 1.0)), self.constant(self.vector(WIDTH)), *bias,
                     outputs=4, epsilon=1e-12)
        return y[0], y[3]

    def gelu(self, x):
        if self.form == "fused":
            return self.com("BiasGelu", x, self.constant(self.vector(INNER)))
        if self.form == "to_float":
            return self.com("FastGelu", self.com("QuickGelu", x, alpha=1.702), self.constant(self.vector(INNER)))
        y = self.op("Erf", self.op("Div", x, self.constant(f32(math.sqrt(2)))))
        return self.op("Mul", self.op("Mul", x, self.op("Add", y, self.constant(f32(1)))), self.constant(f32(0.5)))

    def heads(self, x, order):
        """[batch][length][width] with the width in heads; sizes are found when it runs, as exporters write it."""
        batch, length = (self.op("Unsqueeze", self.op("Gather", self.op("Shape", x), self.constant(np.int64(i)), axis=0), self.constant(np.array([0])))
                         for i in range(2))
        shape = self.op("Concat", batch, length, self.constant(np.array([HEADS])), self.constant(np.array([WIDTH // HEADS])), axis=0)
        return self.op("Transpose", self.op("Reshape", x, shape), perm=order)

    def attention(self, x, mask=None):
        rows, columns, factor = (0, 2, 1, 3), (0, 2, 3, 1), math.sqrt(WIDTH // HEADS)
        q, k, v = (self.heads(self.product(x, WIDTH, WIDTH), order) for order in (rows, rows if self.form == "fused" else columns, rows))
        if self.form == "fused":
            scores = self.com("FusedMatMul", q, k, alpha=1 / factor, transB=1)
        else:
            scores = self.op("Div", self.op("MatMul", self.activation(q), self.activation(k)), self.constant(f32(factor)))
        scores = self.op("Add", scores, mask) if mask else scores
        p = self.activation(self.op("Softmax", scores, axis=-1), 0.0, 1.0)
        y = self.op("Transpose", self.op("MatMul", p, self.activation(v)), perm=(0, 2, 1, 3))
        return self.product(self.op("Reshape", y, self.constant(np.array([0, 0, WIDTH]))), WIDTH, WIDTH)

    def inner(self, x):
        return self.product(self.gelu(self.product(x, INNER, WIDTH)), WIDTH, INNER)

    def text(self):
        words = [self.op("Gather", self.constant(self.weights(n, WIDTH) * f32(2)), name, axis=0) for n, name in ((WORDS, "ids"), (2, "types"))]
        places = self.op("Slice", self.constant(np.arange(64).reshape(1, 64)), self.constant(np.array([0])), self.op(
            "Unsqueeze", self.op("Gather", self.op("Shape", "ids"), self.constant(np.int64(1)), axis=0), self.constant(np.array([0]))), self.constant(np.array([1])))
        places = self.op("Gather", self.constant(self.weights(64, WIDTH)), places, axis=0)
        x = self.norm(self.op("Add", self.op("Add", *words), places))
        mask = self.op("Cast", self.op("Unsqueeze", "mask", self.constant(np.array([1, 2]))), to=1)
        mask = self.op("Mul", self.op("Sub", self.constant(f32(1)), mask), self.constant(f32(-10000)))
        for _ in range(LAYERS):
            x, _ = self.add_and_norm(x, self.attention(x, mask))
            x, _ = self.add_and_norm(x, self.inner(x))
        first = self.op("Gather", x, self.constant(np.int64(0)), axis=1)
        pooled = self.op("Tanh", self.op("Gemm", first, self.constant(self.weights(WIDTH, WIDTH)), self.constant(self.vector(WIDTH)), transB=1))
        return x, pooled

    def image(self):
        w = (self.rng.standard_normal((WIDTH, 3, PATCH, PATCH)) / 14).astype(f32)
        kernel, image = self.constant(w), "image"
        if self.form == "static":
            scale = (np.abs(w).max((1, 2, 3)) / f32(127)).astype(f32)
            q = np.clip(np.rint(w / scale.reshape(-1, 1, 1, 1)), -127, 127).astype(np.int8)
            kernel = self.op("DequantizeLinear", self.constant(q), self.constant(scale), self.constant(np.zeros(WIDTH, np.int8)), axis=0)
            image = self.activation("image", -3.0, 3.0)
        x = self.activation(self.op("Conv", image, kernel, strides=(PATCH, PATCH)))
        x = self.op("Transpose", self.op("Reshape", x, self.constant(np.array([0, WIDTH, -1]))), perm=(0, 2, 1))
        batch = self.op("Unsqueeze", self.op("Gather", self.op("Shape", x), self.constant(np.int64(0)), axis=0), self.constant(np.array([0])))
        one = self.op("Expand", self.constant(self.weights(1, 1, WIDTH)), self.op("Concat", batch, self.constant(np.array([1, 1])), axis=0))
        x = self.op("Add", self.op("Concat", one, x, axis=1), self.constant(self.weights(1, 1 + (IMAGE // PATCH) ** 2, WIDTH)))
        for _ in range(LAYERS):
            y, x = self.add_and_norm(x, self.attention(self.norm(x)))
            x = self.op("Add", x, self.inner(y))
        first = self.op("Gather", self.norm(x), self.constant(np.int64(0)), axis=1)
        return (self.product(first, CLASSES, WIDTH),)


# ---- tests -------------------------------------------------------------------------------------------------------

class Tests(xq_case.Tests):
    names = tuple("%s_%s" % (what, form) for what in ("text", "image") for form in ("float", "plain", "dynamic", "static", "fused", "to_float"))

    def __getattr__(self, name):
        what, _, form = name.partition("_")
        if what not in ("text", "image") or not form:
            raise AttributeError(name)
        return lambda: self.compare(what, form)

    def compare(self, what, form):
        model = Model(form)
        made = model.text() if what == "text" else model.image()
        rng = np.random.default_rng(3)
        if what == "text":
            inputs = {"ids": rng.integers(0, WORDS, (BATCH, LENGTH)), "types": rng.integers(0, 2, (BATCH, LENGTH)),
                      "mask": (np.arange(LENGTH) < [[LENGTH], [LENGTH - 3]]).astype(np.int64)}
            declared = [onnx.value(n, onnx.INT64, ("batch", "length")) for n in inputs]
            shapes = [("batch", "length", WIDTH), ("batch", WIDTH)]
        else:
            inputs = {"image": rng.standard_normal((BATCH, 3, IMAGE, IMAGE)).astype(f32)}
            declared, shapes = [onnx.value("image", onnx.FLOAT, ("batch", 3, IMAGE, IMAGE))], [("batch", CLASSES)]
        with open("m.onnx", "wb") as f:
            f.write(model.bytes(declared, [onnx.value(n, onnx.FLOAT, s) for n, s in zip(made, shapes)]))
        words = []
        for name, value in inputs.items():
            np.save(name + ".npy", value)
            words += ["--input", name + ".npy"]
        outputs = ["y%d.npy" % i for i in range(len(made))]
        self.run("run", "m.onnx", *words, *[w for o in outputs for w in ("-o", o)], "--device", "soft")
        values = model.evaluate(inputs)
        for name, output in zip(made, outputs):
            want, got = values[name], np.load(output)
            self.expect(want.shape == got.shape, "%s: %s, not %s" % (output, got.shape, want.shape))
            if want.shape != got.shape:
                continue
            worst, spread = np.abs(want - got).max(), want.std()
            print("# %s %s: %s differs by at most %.2g, values by %.2g" % (what, form, output, worst, spread))
            # Codes that lie between two are not always rounded the same way, after sums in another order.
            limit = 2e-5 if form in ("float", "plain") else 0.02
            self.expect(spread > 0.05 and worst <= limit * max(1, spread), "%s differs by %g" % (output, worst))


if __name__ == "__main__":
    sys.exit(xq_case.main(Tests, sys.argv[1:]))
