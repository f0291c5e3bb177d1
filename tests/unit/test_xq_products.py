#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq gemm and conv: zero points of batches, short groups, one dimension, same padding, orders of weights, limits; against naive loops.

usage: test_xq_products.py XQ.... Prints KTAP.
"""
import itertools
import math
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import load, save  # noqa: E402

os.environ["XQACCEL_DEVICE"] = "soft"


def wrap(v):
    return (v + (1 << 31)) % (1 << 32) - (1 << 31)


class Array:
    """Values and a shape, indexed with broadcasting from the last dimension."""

    def __init__(self, shape, values):
        self.shape, self.values = tuple(shape), list(values)

    def __getitem__(self, index):
        index = index[len(index) - len(self.shape):]
        at = 0
        for size, i in zip(self.shape, index):
            at = at * size + (i if size != 1 else 0)
        return self.values[at]

    @staticmethod
    def random(shape, low=-128, high=127):
        return Array(shape, [random.randint(low, high) for _ in range(math.prod(shape))])


class Products(xq_case.Tests):
    names = ("zero_points_of_batches", "zero_points_that_do_not_fit", "short_groups", "real_groups", "real_groups_refused", "empty_batches", "limit_of_k", "wrapping_accumulators", "one_dimension",
             "same_padding", "orders_of_weights", "depthwise_and_transposed_layouts")

    def product(self, a, b, *words):
        save("a.npy", "|i1", a.shape, a.values)
        save("b.npy", "|i1", b.shape, b.values)
        self.run("gemm", "a.npy", "b.npy", "-o", "c.npy", *words)
        return load("c.npy")

    def zero_points_of_batches(self):
        for za, zb in [((2, 3, 4, 1), None), ((3, 4, 1), None), ((2, 1, 4, 1), None), ((2, 3, 1, 1), None), ((1, 1, 4, 1), None), (None, (2, 3, 1, 6)),
                       (None, (3, 1, 6)), (None, (3, 1, 1)), ((2, 1, 4, 1), (3, 1, 6)), ((4,), (2, 3, 1, 6))]:
            a, b = Array.random((2, 3, 4, 5)), Array.random((2, 3, 5, 6))
            words, zps = [], []
            for option, shape in ("--a-zp", za), ("--b-zp", zb):
                z = Array.random(shape, -300, 300) if shape else Array((), [0])
                if shape == (4,):
                    zps.append(Array((4, 1), z.values))
                else:
                    zps.append(z)
                if shape:
                    words += [option, save("z%s.npy" % option[2], "<i4", shape, z.values)]
            got = self.product(a, b, *words)
            want = tuple(sum((a[i, j, m, k] - zps[0][i, j, m, 0]) * (b[i, j, k, n] - zps[1][i, j, 0, n]) for k in range(5))
                         for i, j, m, n in itertools.product(range(2), range(3), range(4), range(6)))
            self.expect(got == ("<i4", (2, 3, 4, 6), want), "zero points %s and %s" % (za, zb))
        a, b, z = Array.random((3, 4, 5)), Array.random((2, 1, 5, 6)), Array.random((3, 4, 1), -9, 9)  # A is repeated along the first
        got = self.product(a, b, "--a-zp", save("z.npy", "|i1", z.shape, z.values))
        want = tuple(sum((a[0, j, m, k] - z[0, j, m, 0]) * b[i, j, k, n] for k in range(5)) for i, j, m, n in itertools.product(range(2), range(3), range(4), range(6)))
        self.expect(got[2] == want, "A and its zero points are repeated")

    def zero_points_that_do_not_fit(self):
        save("a.npy", "|i1", (2, 3, 4, 5), [1] * 120)
        save("b.npy", "|i1", (5, 6), [1] * 30)
        for shape in [(2, 4, 1), (3, 4, 4), (5, 1), (2, 2, 4, 1), (1, 2, 3, 4, 1, 1), (3, 5)]:
            save("z.npy", "|i1", shape, [1] * math.prod(shape))
            self.refused(1, "--a-zp must be one number, or one for each of the 4 rows of A (it is [%s])" % ", ".join(map(str, shape)), "gemm", "a.npy", "b.npy", "-o", "c.npy", "--a-zp", "z.npy")
        save("z.npy", "|i1", (2, 1, 6), [1] * 12)
        self.refused(1, "--b-zp must be one number, or one for each of the 6 columns of B (it is [2, 1, 6])", "gemm", "a.npy", "b.npy", "-o", "c.npy", "--b-zp", "z.npy")

    def real_groups(self):
        """Scales that are powers of two, so that every sum is exact in float32."""
        for group, transposed, dtype, sides in itertools.product((4, 12), (False, True), ("<f4", "<f2"), ("a", "b", "ab")):
            k, groups = 12, 12 // group
            a, b = Array.random((3, k), -20, 20), Array.random((k, 5), -8, 7)
            sa, sb = (Array((rows, groups), [2.0 ** random.randint(-6, 3) for _ in range(rows * groups)]) for rows in (3, 5))
            save("sa.npy", dtype, sa.shape, sa.values)
            save("sb.npy", dtype, sb.shape, sb.values)
            files = Array((5, k), [b[(kk, n)] for n in range(5) for kk in range(k)]) if transposed else b
            words = ["--group", str(group), "--a-zp", "3", "--b-type", "s4", *(["--transpose-b"] if transposed else [])]
            for side in sides:
                words += ["--%s-group-scale" % side, "s%s.npy" % side]
            got = self.product(a, files, *words)
            want = tuple(sum(sum((a[(m, kk)] - 3) * b[(kk, n)] for kk in range(g * group, g * group + group)) * (sa[(m, g)] if "a" in sides else 1) *
                             (sb[(n, g)] if "b" in sides else 1) for g in range(groups)) for m in range(3) for n in range(5))
            self.expect(got == ("<f4", (3, 5), want), "groups of %d, %s, scales of %s" % (group, dtype, sides))

    def real_groups_refused(self):
        a, b = Array.random((2, 10)), Array.random((10, 3))
        save("a.npy", "|i1", a.shape, a.values)
        save("b.npy", "|i1", b.shape, b.values)
        save("f.npy", "<f4", (2, 2), [1] * 4)
        save("i.npy", "<i4", (3, 2), [1] * 6)
        save("d.npy", "<f8", (2, 2), [1] * 4)
        save("short.npy", "<f4", (2, 3), [1] * 6)
        save("bias.npy", "<i4", (3,), [1] * 3)
        words = ("gemm", "a.npy", "b.npy", "-o", "c.npy", "--group", "5", "--a-group-scale")
        self.refused(1, "--a-group-scale and --b-group-scale must both be integers or both be floats", *words, "f.npy", "--b-group-scale", "i.npy")
        self.refused(1, "--a-group-scale must be of integers, float16, bfloat16 or float32 (it is float64)", *words, "d.npy")
        self.refused(1, "with real group scales there is no int32 to add --bias to", *words, "f.npy", "--bias", "bias.npy")
        self.refused(1, "with real group scales K must be a multiple of the group (10 by 4)", "gemm", "a.npy", "b.npy", "-o", "c.npy", "--group", "4",
                     "--a-group-scale", "short.npy")

    def short_groups(self):
        for group, transposed, leading in itertools.product((4, 3, 7, 10, 20), (False, True), ((), (2,))):
            k, groups = 10, -(-10 // group)
            a, b = Array.random((*leading, 3, k)), Array.random((*leading, k, 2))
            sa, sb, bias = Array.random((3, groups), -50, 50), Array.random((2, groups), -50, 50), Array.random((2,), -1 << 30, 1 << 30)
            z = Array.random((2, 3, 1), -9, 9) if leading else Array.random((3, 1), -9, 9)
            save("sa.npy", "<i4", sa.shape, sa.values)
            save("sb.npy", "<i4", sb.shape, sb.values)
            save("z.npy", "|i1", z.shape, z.values)
            save("bias.npy", "<i4", bias.shape, bias.values)
            files = Array((*leading, 2, k), [b[(i, kk, n)] for i in range(math.prod(leading)) for n in range(2) for kk in range(k)]) if transposed else b
            words = ["--group", str(group), "--a-zp", "z.npy", *(["--transpose-b"] if transposed else [])]

            def part(i, m, n, g):
                return sum((a[(i, m, kk)] - z[(i, m, 0)]) * b[(i, kk, n)] for kk in range(g * group, min(k, g * group + group)))
            batch = range(math.prod(leading))
            got = self.product(a, files, *words)
            want = tuple(part(i, m, n, g) for i in batch for g in range(groups) for m in range(3) for n in range(2))
            self.expect(got == ("<i4", (*leading, groups, 3, 2), want), "groups of %d alone, %s" % (group, leading))
            for scales in (["--a-group-scale", "sa.npy"], ["--b-group-scale", "sb.npy"], ["--a-group-scale", "sa.npy", "--b-group-scale", "sb.npy"]):
                got = self.product(a, files, *words, *scales, "--bias", "bias.npy")
                want = tuple(wrap(sum(part(i, m, n, g) * (sa[(m, g)] if "sa.npy" in scales else 1) * (sb[(n, g)] if "sb.npy" in scales else 1) for g in range(groups))
                                  + bias[(n,)]) for i in batch for m in range(3) for n in range(2))
                self.expect(got[2] == want, "groups of %d, %s, %s" % (group, scales, leading))
        self.refused(1, "--a-group-scale must be [3, 1], rows of A by groups of K (it is [3, 2])", "gemm", "a.npy", "b.npy", "-o", "c.npy", "--group", "20", "--a-group-scale", save("s.npy", "<i4", (3, 2), [1] * 6),
                     *(["--transpose-b"]))

    def empty_batches(self):
        """Nothing is read of operands that have no elements, in groups either."""
        save("a.npy", "|i1", (0, 100000, 1001), [])
        save("b.npy", "|i1", (1001, 1), [0] * 1001)
        for words in [], ["--group", "2"], ["--group", "7"]:
            self.run("gemm", "a.npy", "b.npy", *words, "-o", "c.npy")

    def limit_of_k(self):
        k = (1 << 24) + 1
        for name, shape in ("a.npy", (1, k)), ("b.npy", (k, 1)):
            header = str({"descr": "|i1", "fortran_order": False, "shape": shape})
            header += " " * (63 - (len(header) + 10) % 64) + "\n"
            with open(name, "wb") as f:
                f.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
                f.truncate(10 + len(header) + k)
        self.refused(1, "K is 16777217, and soft takes at most 16777216 (A is [1, 16777217], B is [16777217, 1])", "gemm", "a.npy", "b.npy", "-o", "c.npy")

    def wrapping_accumulators(self):
        k = 140000
        save("a.npy", "|i1", (1, k), [-128] * k)
        save("b.npy", "|i1", (k, 1), [-128] * k)
        p = self.run("gemm", "a.npy", "b.npy", "-o", "c.npy")
        self.expect(load("c.npy")[2][0] == wrap(k * 128 * 128) and "warning: accumulators may have wrapped" in p.stderr and p.stderr.count("\n") == 1, p.stderr)
        save("b.npy", "|i1", (k, 1), [100] * k)
        p = self.run("gemm", "a.npy", "b.npy", "-o", "c.npy")
        self.expect(load("c.npy")[2][0] == -128 * 100 * k and not p.stderr, "no sum can wrap: %s" % p.stderr)
        save("one.npy", "|i1", (1, 1), [127])
        for words, warned in [(["--a-zp", "-2147483648"], True), (["--a-zp", "-1000"], False), (["--bias", save("bias.npy", "<i4", (1,), [2147483647])], True)]:
            p = self.run("gemm", "one.npy", "one.npy", "-o", "c.npy", *words)
            self.expect(("may have wrapped" in p.stderr) == warned, "%s: %r" % (words, p.stderr))
        save("x.npy", "|i1", (1, 1, 1, 1), [127])
        p = self.run("conv", "x.npy", "x.npy", "-o", "c.npy", "--x-zp", "2147483647")
        self.expect("may have wrapped" in p.stderr, "conv: %r" % p.stderr)

    def conv(self, x, w, *words):
        save("x.npy", "|i1", x.shape, x.values)
        save("w.npy", "|i1", w.shape, w.values)
        self.run("conv", "x.npy", "w.npy", "-o", "y.npy", *words)
        return load("y.npy")

    def one_dimension(self):
        for stride, dilation, (left, right), groups, zp in itertools.product((1, 3), (1, 2), ((0, 0), (2, 1)), (1, 2), (0, -5)):
            x, w = Array.random((2, 4, 11)), Array.random((6, 4 // groups, 3))
            words = ["--strides", str(stride), "--dilations", str(dilation), "--pads", "%d,%d" % (left, right), "--groups", str(groups), "--x-zp", str(zp)]
            size = (11 + left + right - 2 * dilation - 1) // stride + 1

            def at(n, o, t):
                return sum((x[n, o // (6 // groups) * (4 // groups) + i, p] - zp) * w[o, i, k] for i in range(4 // groups) for k in range(3)
                           for p in [t * stride + k * dilation - left] if 0 <= p < 11)
            want = tuple(at(n, o, t) for n in range(2) for o in range(6) for t in range(size))
            got = self.conv(x, w, *words)
            self.expect(got == ("<i4", (2, 6, size), want), "%s: %s" % (words, got[1]))
            last = Array((2, 11, 4), [x[n, c, t] for n in range(2) for t in range(11) for c in range(4)])
            w_last = Array((6, 3, 4 // groups), [w[o, i, k] for o in range(6) for k in range(3) for i in range(4 // groups)])
            got = self.conv(last, w_last, *words, "--layout", "nhwc")
            want = tuple(at(n, o, t) for n in range(2) for t in range(size) for o in range(6))
            self.expect(got == ("<i4", (2, size, 6), want), "%s, channels last: %s" % (words, got[1]))
        save("w.npy", "|i1", (6, 4, 3), [0] * 72)
        save("x.npy", "|i1", (2, 4, 11), [0] * 88)
        self.refused(1, "--pads takes one number, or 2 with commas between them (1,1,1,1)", "conv", "x.npy", "w.npy", "-o", "y.npy", "--pads", "1,1,1,1")

    def same_padding(self):
        for size, kernel, stride, dilation, transposed in itertools.product((5, 8), (1, 2, 3, 4), (1, 2, 3), (1, 2), (False, True)):
            x, w = Array.random((1, 1, size)), Array.random((1, 1, kernel))
            reach = (kernel - 1) * dilation + 1
            out = size * stride if transposed else -(-size // stride)
            pad = max(0, (size - 1) * stride + reach - out) if transposed else max(0, (out - 1) * stride + reach - size)
            for name, left in ("same", pad // 2), ("same-upper", pad // 2), ("same-lower", pad - pad // 2):
                words = ["--strides", str(stride), "--dilations", str(dilation), *(["--transpose"] if transposed else [])]
                got = self.conv(x, w, *words, "--pads", name)
                want = self.conv(x, w, *words, "--pads", "%d,%d" % (left, pad - left))
                self.expect(got == want, "%s of %s" % (name, (size, kernel, stride, dilation, transposed)))
                if not transposed or reach >= stride:
                    self.expect(got[1] == (1, 1, out), "%s of %s has %s, not %d" % (name, (size, kernel, stride, dilation, transposed), got[1], out))
        x, w = Array.random((1, 2, 5, 6)), Array.random((3, 2, 3, 2))
        self.expect(self.conv(x, w, "--pads", "same") == self.conv(x, w, "--pads", "1,0,1,1"), "two dimensions")
        self.expect(self.conv(x, w, "--pads", "valid") == self.conv(x, w), "valid")

    def orders_of_weights(self):
        """The same convolution from weights in any order."""
        for layout, groups in itertools.product(("nchw", "nhwc"), (1, 2)):
            x = Array.random((1, 4, 5, 6) if layout == "nchw" else (1, 5, 6, 4))
            sizes = {"o": 6, "i": 4 // groups, "h": 2, "w": 3}
            kernel = {key: random.randint(-128, 127) for key in itertools.product(*[range(sizes[c]) for c in "oihw"])}
            native = "oihw" if layout == "nchw" else "ohwi"
            words = ["--layout", layout, "--groups", str(groups)]

            def ordered(order):
                return Array([sizes[c] for c in order], [kernel[tuple(index[order.index(c)] for c in "oihw")] for index in itertools.product(*[range(sizes[c]) for c in order])])
            want = self.conv(x, ordered(native), *words)
            for order in "oihw", "ohwi", "hwio":
                self.expect(self.conv(x, ordered(order), *words, "--w-layout", order) == want, "%s in %s" % (order, layout))
            # iohw has the input channels of all groups, and the output channels of one.
            per_group = 6 // groups
            iohw = Array((4, per_group, 2, 3), [kernel[i // (4 // groups) * per_group + o, i % (4 // groups), h, w] for i in range(4) for o in range(per_group) for h in range(2) for w in range(3)])
            for transposed in [], ["--transpose"]:
                want = self.conv(x, ordered(native), *words, *transposed)
                self.expect(self.conv(x, iohw, *words, *transposed, "--w-layout", "iohw") == want, "iohw in %s, %s groups %s" % (layout, groups, transposed))

    def depthwise_and_transposed_layouts(self):
        """TFLite's depthwise weights, [1, kh, kw, C * multiplier]; and a transposed convolution as PyTorch defines it."""
        x, w = Array.random((1, 4, 5, 3)), Array.random((1, 2, 2, 6))
        got = self.conv(x, w, "--layout", "nhwc", "--w-layout", "1hwo")
        want = tuple(sum(x[0, h + a, v + b, o // 2] * w[0, a, b, o] for a in range(2) for b in range(2)) for h in range(3) for v in range(4) for o in range(6))
        self.expect(got == ("<i4", (1, 3, 4, 6), want), "depthwise")
        self.refused(1, "W must be [1, kh, kw, O] with --w-layout 1hwo (it is [2, 2, 3, 1])", "conv", "x.npy", save("v.npy", "|i1", (2, 2, 3, 1), [0] * 12), "-o", "y.npy",
                     "--layout", "nhwc", "--w-layout", "1hwo")
        x, w = Array.random((1, 2, 4)), Array.random((2, 3, 3))
        got = self.conv(x, w, "--transpose", "--w-layout", "iohw", "--strides", "2", "--pads", "1,1", "--output-padding", "1")
        size = 3 * 2 + 3 + 1 - 2
        want = [0] * (3 * size)
        for i, o, t, k in itertools.product(range(2), range(3), range(4), range(3)):
            if 0 <= 2 * t + k - 1 < size:
                want[o * size + 2 * t + k - 1] += x[0, i, t] * w[i, o, k]
        self.expect(got == ("<i4", (1, 3, size), tuple(want)), "transposed, in one dimension: %s" % (got,))


if __name__ == "__main__":
    xq_case.main(Products, sys.argv[1:])
