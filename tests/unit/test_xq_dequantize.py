#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq dequantize: accumulators, scales of any sign, the axis of scales, float16, against the formula in Python.

usage: test_xq_dequantize.py XQ.... Prints KTAP.
"""
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import load, save  # noqa: E402


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


class Dequantize(xq_case.Tests):
    names = ("accumulators", "zero_points_of_accumulators", "any_scale", "axis_from_the_scales", "axis_must_be_said", "float16", "large", "codebooks")

    def back(self, *words):
        self.run("dequantize", *words, "-o", "y.npy")
        return load("y.npy")

    def accumulators(self):
        """float32(q - Z) is rounded, then multiplied by the scale: ONNX's order."""
        for dtype, limit in [("<i4", 1 << 31), ("<i8", 1 << 62), ("<u4", 1 << 32), ("<u8", 1 << 64), ("<i2", 1 << 15), ("<u2", 1 << 16)]:
            low = 0 if "u" in dtype else -limit
            values = [low, limit - 1, 0, 1, 16777217, 33554435] if limit > 1 << 26 else [low, limit - 1, 0, 1]
            values += [random.randrange(low, limit) for _ in range(50)]
            save("q.npy", dtype, (len(values),), values)
            scale = f32(random.uniform(.001, 3))
            got = self.back("q.npy", "--scale", repr(scale))
            want = [f32(nearest_f32(v) * scale) for v in values]
            self.expect(got == ("<f4", (len(values),), tuple(want)), "%s: %r" % (dtype, [(v, g, w) for v, g, w in zip(values, got[2], want) if g != w][:3]))

    def zero_points_of_accumulators(self):
        values = [random.randrange(-1 << 31, 1 << 31) for _ in range(12)]
        save("q.npy", "<i4", (3, 4), values)
        save("s.npy", "<f4", (3,), [.5, .25, 2])
        save("z.npy", "<i4", (3,), [-2147483648, 2147483647, 5])
        got = self.back("q.npy", "--scale", "s.npy", "--zp", "z.npy", "--axis", "0")[2]
        want = tuple(nearest_f32(v - [-2147483648, 2147483647, 5][i // 4]) * [.5, .25, 2][i // 4] for i, v in enumerate(values))
        self.expect(got == want, "%r, not %r" % (got, want))
        save("u.npy", "<u4", (1,), [7])
        self.refused(1, "--zp must be 0 to 2147483647 (-1)", "dequantize", "u.npy", "--scale", "1", "--zp", "-1", "-o", "y.npy")

    def any_scale(self):
        """Zero and negative scales, as ggml's Q4_0 has them; never in quantize."""
        codes = [random.randrange(-8, 8) for _ in range(64)]
        save("q.npy", "|i1", (2, 32), codes)
        save("s.npy", "<f4", (2, 2), [-.5, 0, 2, -1])
        got = self.back("q.npy", "--scale", "s.npy", "--axis", "1", "--block", "16")[2]
        self.expect(got == tuple(v * [-.5, 0, 2, -1][i // 16] for i, v in enumerate(codes)), repr(got))
        self.expect(self.back("q.npy", "--scale", "-2")[2] == tuple(v * -2. for v in codes), "a number")
        save("t.npy", "<f4", (16,), range(16))
        save("u.npy", "|u1", (4,), [0, 15, 3, 1])
        self.expect(self.back("u.npy", "--codebook", "t.npy", "--scale", "-1")[2] == (0, -15, -3, -1), "a codebook")
        for bad in "inf", "nan":
            save("bad.npy", "<f4", (2, 2), [1, 1, 1, float(bad)])
            self.refused(1, "a scale must be finite (element 3 is %s)" % bad, "dequantize", "q.npy", "--scale", "bad.npy", "--block", "16", "-o", "y.npy")
        save("x.npy", "<f4", (2, 32), [1] * 64)
        for scale, shown in [("0", "0"), ("-1", "-1")]:
            self.refused(1, "a scale must be finite and above 0 (element 0 is %s)" % shown, "quantize", "x.npy", "--type", "s8", "--scale", scale, "-o", "q.npy")
        save("w.npy", "|i1", (2, 2), [3, -5, 7, 11])
        save("eye.npy", "|i1", (2, 2), [1, 0, 0, 1])
        save("ws.npy", "<f4", (2,), [-.5, 0])
        for profile in "onnx", "tflite":
            self.run("gemm", "w.npy", "eye.npy", "-o", "c.npy", "--requant", profile, "--x-scale", "1", "--w-scale", "ws.npy", "--y-scale", "0.25", "--device", "soft")
            self.expect(load("c.npy")[2] == (-6, 0, -14, 0), "--w-scale, %s: %r" % (profile, load("c.npy")[2]))

    def axis_from_the_scales(self):
        codes = list(range(24))
        save("q.npy", "|i1", (2, 3, 4), codes)
        for axis, inner in [(0, 12), (1, 4), (2, 1)]:
            size = (2, 3, 4)[axis]
            scale = [2. ** i for i in range(size)]
            want = tuple(v * scale[i // inner % size] for i, v in enumerate(codes))
            save("s.npy", "<f4", (size,), scale)
            self.expect(self.back("q.npy", "--scale", "s.npy")[2] == want, "the only axis of %d" % size)
            shape = [1, 1, 1]
            shape[axis] = size
            save("s.npy", "<f4", shape, scale)
            self.expect(self.back("q.npy", "--scale", "s.npy")[2] == want, "scales of shape %s" % shape)
        save("q.npy", "|i1", (3, 3), range(9))
        save("s.npy", "<f4", (3, 1), [1, 2, 4])
        self.expect(self.back("q.npy", "--scale", "s.npy")[2] == (0, 1, 2, 6, 8, 10, 24, 28, 32), "a square by rows")
        save("s.npy", "<f4", (1, 3), [1, 2, 4])
        self.expect(self.back("q.npy", "--scale", "s.npy")[2] == (0, 2, 8, 3, 8, 20, 6, 14, 32), "a square by columns")
        save("q.npy", "|i1", (4, 8), [1] * 32)
        save("s.npy", "<f4", (2, 8), range(1, 17))
        self.expect(self.back("q.npy", "--scale", "s.npy", "--block", "2")[2] == tuple(1 + i // 16 * 8 + i % 8 for i in range(32)), "blocks along the first axis")

    def axis_must_be_said(self):
        save("q.npy", "|i1", (3, 3), range(9))
        save("s.npy", "<f4", (3,), [1, 2, 4])
        self.refused(1, "--scale fits more than one axis: say --axis 0 or 1 (it is [3], the tensor [3, 3])", "dequantize", "q.npy", "--scale", "s.npy", "-o", "y.npy")
        self.expect(self.back("q.npy", "--scale", "s.npy", "--axis", "0")[2] == (0, 1, 2, 6, 8, 10, 24, 28, 32), "axis 0")
        self.expect(self.back("q.npy", "--scale", "s.npy", "--axis", "1")[2] == (0, 2, 8, 3, 8, 20, 6, 14, 32), "axis 1")
        save("s.npy", "<f4", (5,), [1] * 5)
        self.refused(1, "--scale fits no axis of the tensor (it is [5], the tensor [3, 3])", "dequantize", "q.npy", "--scale", "s.npy", "-o", "y.npy")

    def float16(self):
        values = [0, 1, -1, 2049, 32767, -32768, 3, 5]
        save("q.npy", "<i2", (8,), values)
        got = self.back("q.npy", "--scale", "0.1", "--dtype", "float16")
        want = tuple(struct.unpack("<e", struct.pack("<e", f32(v * f32(.1))))[0] for v in values)
        self.expect(got == ("<f2", (8,), want), "%r, not %r" % (got, want))
        p = self.run("dequantize", "q.npy", "--scale", "4", "--dtype", "float16", "-o", "y.npy")
        self.expect(load("y.npy")[2][4:6] == (math.inf, -math.inf) and "warning: 2 elements are too large for float16" in p.stderr, p.stderr)
        self.run("dequantize", "q.npy", "--scale", "0.5", "--dtype", "bfloat16", "-o", "b.npy")
        with open("b.npy", "rb") as f:
            raw = f.read()
        bits = struct.unpack("<8H", raw[-16:])
        self.expect(b"'<V2'" in raw and bits[1] == 0x3f00 and bits[7] == 0x4020, "bfloat16: %r" % (bits,))
        self.run("quantize", "b.npy", "--type", "s16", "--scale", "0.5", "-o", "q2.npy")
        self.expect(load("q2.npy")[2][:4] == (0, 1, -1, 2048), "bfloat16 is read back: %r" % (load("q2.npy")[2],))

    def large(self):
        """More than one piece, cut in every way that a layout can be."""
        count = 3 << 20
        raw = random.randbytes(count)
        save("q.npy", "|i1", (count,), struct.unpack("<%db" % count, raw))
        codes = load("q.npy")[2]
        for shape, axis, block in [((count,), None, None), ((3, 1 << 20), 0, None), ((2, 3 << 19), 0, None), ((1 << 10, 3 << 10), 1, None),
                                   ((3, 1 << 10, 1 << 10), 1, None), ((1 << 10, 3 << 10), 1, 100), ((3, 1 << 20), 1, 1 << 19), ((1, 3 << 20), 1, 1000)]:
            save("q.npy", "|i1", shape, codes)
            inner = math.prod(shape[axis + 1:]) if axis is not None else 1
            size = shape[axis] if axis is not None else 1
            blocks = -(-size // block) if block else size
            params = math.prod(shape[:axis]) * blocks * inner if block else size
            scale = [random.choice([.5, 1, 2, -4]) for _ in range(params)] if axis is not None else [.5]
            scales = [*shape[:axis], blocks, *shape[axis + 1:]] if block else [size] if axis is not None else [1]
            save("s.npy", "<f4", scales, scale)
            got = self.back("q.npy", "--scale", "s.npy", *(["--axis", str(axis)] if axis is not None else []), *(["--block", str(block)] if block else []))[2]

            def param(i):
                if axis is None:
                    return 0
                a, o = i // inner % size, i // inner // size
                return (o * blocks + a // block) * inner + i % inner if block else a
            probe = [random.randrange(count) for _ in range(20000)] + [0, count - 1, (1 << 20) - 1, 1 << 20]
            bad = [i for i in probe if got[i] != codes[i] * scale[param(i)]]
            self.expect(not bad, "%s axis %s block %s: element %s" % (shape, axis, block, bad[:3]))

    def codebooks(self):
        save("q.npy", "|u1", (2, 3), [0, 1, 2, 2, 1, 0])
        save("t.npy", "<f4", (2, 3), [1, 2, 3, 10, 20, 30])
        self.expect(self.back("q.npy", "--codebook", "t.npy")[2] == (1, 2, 3, 30, 20, 10), "a table for each row")
        self.refused(1, "a code must be an index into the table of 2 (element [0, 2] is 2)", "dequantize", "q.npy", "--codebook", save("u.npy", "<f4", (2,), [1, 2]), "-o", "y.npy")


def nearest_f32(integer):
    """The float32 nearest to an integer, halves to even, without going through a double."""
    magnitude = abs(integer)
    shift = max(magnitude.bit_length() - 24, 0)
    kept, rest = magnitude >> shift, magnitude & ((1 << shift) - 1)
    if shift and (rest > 1 << (shift - 1) or (rest == 1 << (shift - 1) and kept & 1)):
        kept += 1
    return math.copysign(float(kept << shift), integer) if integer else 0.


if __name__ == "__main__":
    xq_case.main(Dequantize, sys.argv[1:])
