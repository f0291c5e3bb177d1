# SPDX-License-Identifier: GPL-2.0
"""TensorFlow Lite files in the plainest way: a reader, and quantized operators in whole numbers of 64 bits with numpy.

The arithmetic is that of TensorFlow Lite's reference kernels, double rounding. Nothing of it is shared with the library.
"""

import math
import struct

import numpy as np

DTYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 6: np.bool_, 7: np.int16, 9: np.int8, 17: np.int8}


# ---- the file ----------------------------------------------------------------------------------------------------

class Table:
    def __init__(self, data, at):
        self.data, self.at = data, at
        self.vtable = at - self.unpack("i", at)
        self.size = self.unpack("H", self.vtable)

    def unpack(self, code, at):
        return struct.unpack_from("<" + code, self.data, at)[0]

    def place(self, field):
        entry = 4 + 2 * field
        offset = self.unpack("H", self.vtable + entry) if entry < self.size else 0
        return self.at + offset if offset else 0

    def get(self, field, code, otherwise=0):
        at = self.place(field)
        return self.unpack(code, at) if at else otherwise

    def follow(self, at):
        return at + self.unpack("I", at)

    def child(self, field):
        at = self.place(field)
        return Table(self.data, self.follow(at)) if at else None

    def vector(self, field, code):
        at = self.place(field)
        if not at:
            return []
        at = self.follow(at)
        return list(struct.unpack_from("<%d%s" % (self.unpack("I", at), code), self.data, at + 4))

    def tables(self, field):
        at = self.place(field)
        if not at:
            return []
        at = self.follow(at)
        return [Table(self.data, self.follow(at + 4 + 4 * i)) for i in range(self.unpack("I", at))]

    def text(self, field):
        return bytes(self.vector(field, "B")).decode()


class Tensor:
    def __init__(self, table, buffers):
        self.shape, self.type = tuple(table.vector(0, "i")), table.get(1, "b")
        q = table.child(4)
        self.scale = np.array(q.vector(2, "f") if q else [], np.float32)
        self.zp, self.axis = np.array(q.vector(3, "q") if q else [], np.int64), q.get(6, "i") if q else 0
        raw = bytes(buffers[table.get(2, "I")].vector(0, "B"))
        self.data = None
        if raw and self.type == 17:
            nibbles = np.stack([np.frombuffer(raw, np.uint8) & 15, np.frombuffer(raw, np.uint8) >> 4], 1).reshape(-1)
            self.data = ((nibbles.astype(np.int8) ^ 8) - 8)[:math.prod(self.shape)].reshape(self.shape)
        elif raw:
            self.data = np.frombuffer(raw, DTYPES[self.type]).reshape(self.shape)

    @property
    def range(self):
        info = np.iinfo(DTYPES[self.type])
        return info.min, info.max


# ---- numbers ------------------------------------------------------------------------------------------------------

def half_away(x):
    return math.copysign(math.floor(abs(x) + 0.5), x)


def multiplier(real):
    if not real:
        return 0, 0
    mantissa, shift = math.frexp(real)
    m = int(half_away(mantissa * (1 << 31)))
    if m == 1 << 31:
        m, shift = m // 2, shift + 1
    return (0, 0) if shift < -31 else (m, shift)


def scaled(x, m, shift):
    """By m 2^(shift - 31), each an array or a number: the high half rounded, then the shift to the right rounded."""
    x, m, shift = np.asarray(x, np.int64), np.asarray(m, np.int64), np.asarray(shift, np.int64)
    ab = x * (np.int64(1) << np.maximum(shift, 0)) * m
    ab = ab + np.where(ab >= 0, 1 << 30, 1 - (1 << 30))
    high = np.sign(ab) * (np.abs(ab) >> 31)
    right = np.maximum(-shift, 0)
    mask = (np.int64(1) << right) - 1
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))


def bounds(t, activation):
    if t.type == 0:
        return {0: (-np.inf, np.inf), 1: (0, np.inf), 2: (-1, 1), 3: (0, 6)}[activation]

    def code(real):
        return int(t.zp[0]) + int(half_away(float(np.float32(real) / t.scale[0])))
    low, high = t.range
    if activation in (1, 3):
        low = max(low, code(0))
    if activation == 2:
        low, high = max(low, code(-1)), min(high, code(1))
    if activation == 3:
        high = min(high, code(6))
    return low, high


def finish(acc, x, w, y, activation):
    if y.type == 0:
        return np.clip(acc, *bounds(y, activation)).astype(np.float32)
    pairs = [multiplier(float(x.scale[0]) * float(s) / float(y.scale[0])) for s in w.scale]
    m, shift = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    acc = (acc + (1 << 31)) % (1 << 32) - (1 << 31)
    low, high = bounds(y, activation)
    return np.clip(scaled(acc, m, shift) + y.zp[0], low, high).astype(DTYPES[y.type])


def pads(size, kernel, stride, dilation, valid):
    whole = (kernel - 1) * dilation + 1
    if valid:
        return (size - whole) // stride + 1, 0, 0
    out = -(-size // stride)
    total = max(0, (out - 1) * stride + whole - size)
    return out, total // 2, total - total // 2


def windows(x, kernel, stride, dilation, valid, fill):
    """[batch][out][out][kernel][kernel][channels]"""
    oh, top, bottom = pads(x.shape[1], kernel[0], stride[0], dilation[0], valid)
    ow, left, right = pads(x.shape[2], kernel[1], stride[1], dilation[1], valid)
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    out = np.empty((x.shape[0], oh, ow, *kernel, x.shape[3]), x.dtype)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            a, b = i * dilation[0], j * dilation[1]
            out[:, :, :, i, j] = x[:, a:a + (oh - 1) * stride[0] + 1:stride[0], b:b + (ow - 1) * stride[1] + 1:stride[1]]
    return out


def minus_zp(values, t):
    if values.dtype == np.float32:
        return values.astype(np.float64)
    return values.astype(np.int64) - (t.zp[0] if len(t.zp) else 0)


def wide(values):
    return values.astype(np.float64 if values.dtype == np.float32 else np.int64)


# ---- operators: each gets values and tensors of inputs, tensors of outputs, options ----------------------------------

def conv(v, t, out, o):
    x, w = minus_zp(v[0], t[0]), wide(v[1])
    if len(t[1].scale) == 1:
        w = w - t[1].zp[0]
    p = windows(x, w.shape[1:3], (o.get(2, "i"), o.get(1, "i")), (o.get(5, "i", 1), o.get(4, "i", 1)), o.get(0, "b"), 0)
    groups = x.shape[3] // w.shape[3]
    each = w.shape[0] // groups
    acc = np.concatenate([np.einsum("bhwijc,oijc->bhwo", p[..., g * w.shape[3]:(g + 1) * w.shape[3]], w[g * each:(g + 1) * each])
                          for g in range(groups)], 3)
    return [finish(acc + (v[2] if len(v) > 2 else 0), t[0], t[1], out[0], o.get(3, "b"))]


def depthwise(v, t, out, o):
    x, w = minus_zp(v[0], t[0]), wide(v[1])[0]
    if len(t[1].scale) == 1:
        w = w - t[1].zp[0]
    p = windows(x, w.shape[:2], (o.get(2, "i"), o.get(1, "i")), (o.get(6, "i", 1), o.get(5, "i", 1)), o.get(0, "b"), 0)
    acc = np.einsum("bhwijo,ijo->bhwo", np.repeat(p, w.shape[2] // x.shape[3], 5), w)
    return [finish(acc + (v[2] if len(v) > 2 else 0), t[0], t[1], out[0], o.get(4, "b"))]


def transpose_conv(v, t, out, o):
    x, w = minus_zp(v[2], t[2]), v[1].astype(np.int64)
    sh, sw = o.get(2, "i"), o.get(1, "i")
    b, h, wide, _ = x.shape
    full = np.zeros((b, (h - 1) * sh + w.shape[1], (wide - 1) * sw + w.shape[2], w.shape[0]), np.int64)
    for i in range(h):
        for j in range(wide):
            full[:, i * sh:i * sh + w.shape[1], j * sw:j * sw + w.shape[2]] += np.einsum("bc,oijc->bijo", x[:, i, j], w)
    shape = [int(s) for s in v[0]]
    top, left = max(0, full.shape[1] - shape[1]) // 2, max(0, full.shape[2] - shape[2]) // 2
    acc = np.zeros(shape, np.int64)
    part = full[:, top:top + shape[1], left:left + shape[2]]
    acc[:, :part.shape[1], :part.shape[2]] = part
    return [finish(acc + (v[3] if len(v) > 3 else 0), t[2], t[1], out[0], o.get(3, "b"))]


def fully_connected(v, t, out, o):
    x, w = minus_zp(v[0], t[0]), wide(v[1])
    if len(t[1].scale) == 1:
        w = w - t[1].zp[0]
    acc = x.reshape(-1, w.shape[1]) @ w.T + (v[2] if len(v) > 2 else 0)
    return [finish(acc, t[0], t[1], out[0], o.get(0, "b")).reshape(out[0].shape)]


def pool(average):
    def run(v, t, out, o):
        shape = (o.get(4, "i"), o.get(3, "i")), (o.get(2, "i"), o.get(1, "i")), (1, 1), o.get(0, "b")
        low, high = bounds(out[0], o.get(5, "b"))
        p = windows(wide(v[0]), *shape, 0 if average else -1000)
        if not average:
            y = p.max((3, 4))
        else:
            n = windows(np.ones(v[0].shape, np.int64), *shape, 0).sum((3, 4))
            total = p.sum((3, 4))
            y = total / n if v[0].dtype == np.float32 else np.sign(total) * ((np.abs(total) + n // 2) // n)
        return [np.clip(y, low, high).astype(v[0].dtype)]
    return run


def add(sign):
    def run(v, t, out, o):
        if out[0].type == 0:
            return [np.clip(v[0] + sign * v[1], *bounds(out[0], o.get(0, "b"))).astype(np.float32)]
        twice = 2 * max(float(t[0].scale[0]), float(t[1].scale[0]))
        a, b = [scaled(minus_zp(v[i], t[i]) << 20, *multiplier(float(t[i].scale[0]) / twice)) for i in (0, 1)]
        y = scaled(a + sign * b, *multiplier(twice / ((1 << 20) * float(out[0].scale[0])))) + out[0].zp[0]
        return [np.clip(y, *bounds(out[0], o.get(0, "b") if o else 0)).astype(v[0].dtype)]
    return run


def mul(v, t, out, o):
    if out[0].type == 0:
        return [np.clip(v[0] * v[1], *bounds(out[0], o.get(0, "b"))).astype(np.float32)]
    m = multiplier(float(t[0].scale[0] * t[1].scale[0] / out[0].scale[0]))
    y = scaled(minus_zp(v[0], t[0]) * minus_zp(v[1], t[1]), *m) + out[0].zp[0]
    return [np.clip(y, *bounds(out[0], o.get(0, "b") if o else 0)).astype(v[0].dtype)]


def mean(v, t, out, o):
    axes = tuple(int(a) for a in v[1])
    n = math.prod(v[0].shape[a] for a in axes)
    if out[0].type == 0:
        return [v[0].mean(axes).reshape(out[0].shape)]
    m, shift = multiplier(float(t[0].scale[0]) / float(out[0].scale[0]))
    left = min(n.bit_length() - 1, 32, 31 + shift)
    y = scaled(minus_zp(v[0], t[0]).sum(axes), (m << left) // n, shift - left) + out[0].zp[0]
    return [np.clip(y, *out[0].range).astype(v[0].dtype).reshape(out[0].shape)]


def by_table(function):
    def run(v, t, out, o):
        if out[0].type == 0:
            return [function(v[0])]
        info, one = np.iinfo(v[0].dtype), np.float32(1)
        codes = np.arange(info.min, info.max + 1)
        real = t[0].scale[0] * (codes - t[0].zp[0]).astype(np.float32)
        y = np.array([half_away(np.float32(function(r) * (one / out[0].scale[0]))) for r in real]) + out[0].zp[0]
        return [np.clip(y, *out[0].range).astype(v[0].dtype)[v[0].astype(np.int64) - info.min]]
    return run


def relu(activation):
    def run(v, t, out, o):
        if out[0].type == 0:
            return [np.clip(v[0], *bounds(out[0], activation)).astype(np.float32)]
        y = scaled(minus_zp(v[0], t[0]), *multiplier(float(t[0].scale[0] / out[0].scale[0]))) + out[0].zp[0]
        return [np.clip(y, *bounds(out[0], activation)).astype(v[0].dtype)]
    return run


def leaky_relu(v, t, out, o):
    alpha = np.float32(o.get(0, "f"))
    if out[0].type == 0:
        return [np.where(v[0] >= 0, v[0], v[0] * alpha)]
    x = minus_zp(v[0], t[0])
    y = np.where(x >= 0, scaled(x, *multiplier(float(t[0].scale[0] / out[0].scale[0]))),
                 scaled(x, *multiplier(float(t[0].scale[0] * alpha / out[0].scale[0])))) + out[0].zp[0]
    return [np.clip(y, *out[0].range).astype(v[0].dtype)]


def hard_swish(v, t, out, o):
    """In 16 bits, one code after the other."""
    if out[0].type == 0:
        return [(v[0] * np.clip(v[0] + 3, 0, 6) / 6).astype(np.float32)]
    def clamp(x):
        return max(-32768, min(32767, x))

    def high(a, b, nudge):
        ab = a * b + (0 if not nudge else 1 << 14 if a * b >= 0 else 1 - (1 << 14))
        return clamp(int(math.copysign(abs(ab) >> 15, ab)))

    def right(x, n):
        mask = (1 << n) - 1
        return (x >> n) + ((x & mask) > (mask >> 1) + (x < 0))

    fine = np.float32(1 / 128) * t[0].scale[0]
    (m, exponent), (gate_m, gate_exponent) = multiplier(float(fine / out[0].scale[0])), multiplier(float(fine / np.float32(3 / 32768)))
    m, gate_m = (m + (1 << 15)) >> 16, (gate_m + (1 << 15)) >> 16

    def one(x):
        x *= 128
        gate = clamp(x << (gate_exponent - 1)) if gate_exponent > 0 else x
        gate = high(gate, gate_m, True)
        gate = clamp(gate * 2) if gate_exponent > 0 else right(gate, -gate_exponent)
        return right(high((gate + (1 << 15)) >> 1, high(x, m, True), False), -exponent) + int(out[0].zp[0])
    y = np.array([one(int(x)) for x in minus_zp(v[0], t[0]).reshape(-1)]).reshape(v[0].shape)
    return [np.clip(y, *out[0].range).astype(v[0].dtype)]


def quantize(v, t, out, o):
    if v[0].dtype == np.float32:
        y = np.array([half_away(float(x / out[0].scale[0])) for x in v[0].reshape(-1)]).reshape(v[0].shape)
    else:
        y = scaled(minus_zp(v[0], t[0]), *multiplier(float(t[0].scale[0]) / float(out[0].scale[0])))
    return [np.clip(y + out[0].zp[0], *out[0].range).astype(DTYPES[out[0].type])]


def dequantize(v, t, out, o):
    if v[0].dtype == np.float16:
        return [v[0].astype(np.float32)]
    shape = [-1 if i == t[0].axis and len(t[0].scale) > 1 else 1 for i in range(v[0].ndim)]
    return [(t[0].scale.reshape(shape) * (v[0].astype(np.int64) - t[0].zp.reshape(shape)).astype(np.float32)).astype(np.float32)]


def concatenation(v, t, out, o):
    def part(x, t):
        if len(t.scale) == 0 or (t.scale[0] == out[0].scale[0] and t.zp[0] == out[0].zp[0]):
            return x
        scale = t.scale[0] * (np.float32(1) / out[0].scale[0])
        bias = np.float32(-t.zp[0]) * scale
        y = np.array([half_away(c) for c in np.arange(256, dtype=np.float32) * scale + bias]) + out[0].zp[0]
        return np.clip(y, 0, 255).astype(np.uint8)[x]
    return [np.concatenate([part(x, u) for x, u in zip(v, t)], o.get(0, "i"))]


def strided_slice(v, t, out, o):
    begin, end, shrink = (o.get(0, "i"), o.get(1, "i"), o.get(4, "i")) if o else (0, 0, 0)
    index = []
    for i, (a, b, s) in enumerate(zip(v[1], v[2], v[3])):
        if shrink >> i & 1:
            index.append(int(a))
        else:
            index.append(slice(None if begin >> i & 1 else int(a), None if end >> i & 1 else int(b), int(s)))
    return [v[0][tuple(index)]]


def slice_op(v, t, out, o):
    return [v[0][tuple(slice(int(a), None if n == -1 else int(a + n)) for a, n in zip(v[1], v[2]))]]


def split(x, sizes, axis):
    return np.split(x, np.cumsum(sizes)[:-1], axis)


def softmax(v, t, out, o):
    y = np.exp(o.get(0, "f") * (v[0] - v[0].max(-1, keepdims=True)))
    return [y / y.sum(-1, keepdims=True)]


def source(i, size, new, align, half):
    if align and new > 1:
        return i * (size - 1) / (new - 1)
    return (i + 0.5) * size / new - 0.5 if half else i * size / new


def resize_nearest(v, t, out, o):
    align, half = bool(o and o.get(0, "b")), bool(o and o.get(1, "b"))

    def at(i, size, new):
        x = source(i, size, new, align, half) + (0.5 if align or half else 0)
        return min(math.floor(x), size - 1)
    h, w = [int(n) for n in v[1]]
    rows, columns = [at(i, v[0].shape[1], h) for i in range(h)], [at(i, v[0].shape[2], w) for i in range(w)]
    return [v[0][:, rows][:, :, columns]]


def resize_bilinear(v, t, out, o):
    align, half = bool(o and o.get(2, "b")), bool(o and o.get(3, "b"))

    def along(x, axis, new):
        parts = []
        for i in range(new):
            place = max(0, source(i, x.shape[axis], new, align, half))
            low = min(math.floor(place), x.shape[axis] - 1)
            high = min(low + 1, x.shape[axis] - 1)
            parts.append(np.take(x, low, axis) * (1 - (place - low)) + np.take(x, high, axis) * (place - low))
        return np.stack(parts, axis)
    return [along(along(v[0].astype(np.float64), 1, int(v[1][0])), 2, int(v[1][1])).astype(np.float32)]


def pad(v, t, out, o):
    fill = v[2].reshape(-1)[0] if len(v) > 2 else t[0].zp[0] if len(t[0].zp) else 0
    return [np.pad(v[0], [tuple(int(n) for n in p) for p in v[1]], constant_values=fill)]


def reshaped(v, t, out, o):
    return [v[0].reshape(out[0].shape)]


OPERATORS = {
    0: add(1), 1: pool(True), 2: concatenation, 3: conv, 4: depthwise,
    6: dequantize,
    9: fully_connected, 14: by_table(lambda x: np.float32(1) / (np.float32(1) + np.exp(-x))), 17: pool(False), 18: mul,
    19: relu(1), 20: relu(2), 21: relu(3), 22: reshaped, 23: resize_bilinear, 25: softmax, 28: by_table(np.tanh), 34: pad,
    39: lambda v, t, out, o: [v[0].transpose([int(i) for i in v[1]])], 40: mean, 41: add(-1), 43: reshaped, 45: strided_slice,
    49: lambda v, t, out, o: np.split(v[1], len(out), int(v[0].reshape(-1)[0])),
    55: lambda v, t, out, o: [np.maximum(v[0], v[1])], 57: lambda v, t, out, o: [np.minimum(v[0], v[1])], 60: pad, 65: slice_op,
    67: transpose_conv, 70: reshaped, 83: lambda v, t, out, o: [np.stack(v, o.get(1, "i"))],
    88: lambda v, t, out, o: [np.take(v[0], i, o.get(1, "i")) for i in range(len(out))], 97: resize_nearest, 98: leaky_relu,
    111: by_table(lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x)),
    150: by_table(np.vectorize(lambda x: np.float32(0.5 * x * math.erfc(-x * math.sqrt(0.5))))),
    102: lambda v, t, out, o: split(v[0], [int(n) for n in v[1]], int(v[2].reshape(-1)[0])), 114: quantize, 117: hard_swish,
}


class Interpreter:
    """A file; run() computes outputs, and variables keep their values."""

    def __init__(self, data):
        self.model = Table(data, struct.unpack_from("<I", data)[0])
        self.buffers = self.model.tables(4)
        self.codes = [max(c.get(0, "b"), c.get(3, "i")) for c in self.model.tables(1)]
        self.graphs = self.model.tables(2)
        self.tensors = [[Tensor(t, self.buffers) for t in g.tables(0)] for g in self.graphs]
        self.variables, self.called = {}, set()

    def run(self, *inputs, graph=0):
        g, tensors = self.graphs[graph], self.tensors[graph]
        values = {i: t.data for i, t in enumerate(tensors) if t.data is not None}
        values.update(zip(g.vector(1, "i"), inputs))
        for op in g.tables(3):
            code, options = self.codes[op.get(0, "I")], op.child(4)
            ins, outs = [i for i in op.vector(1, "i") if i >= 0], op.vector(2, "i")
            if code == 129:
                if options.get(0, "i") not in self.called:
                    self.called.add(options.get(0, "i"))
                    self.run(graph=options.get(0, "i"))
            elif code == 142:
                values[outs[0]] = options.text(1)
            elif code == 143:
                values[outs[0]] = self.variables[values[ins[0]]]
            elif code == 144:
                self.variables[values[ins[0]]] = values[ins[1]]
            else:
                got = OPERATORS[code]([values[i] for i in ins], [tensors[i] for i in ins], [tensors[i] for i in outs], options)
                values.update(zip(outs, got))
        return [values[i] for i in g.vector(2, "i")]
