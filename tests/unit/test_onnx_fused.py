#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What lies between DequantizeLinear and QuantizeLinear as integers: which patterns the device takes, with which numbers.

usage: test_onnx_fused.py XQ... Prints KTAP. Needs nothing but Python.
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

M, K, N = 3, 8, 5
SX, SY, ZX, ZY = 0.0625, 0.11, 120, 90


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def requantized(acc, scale, low=0, high=255):
    """An accumulator of inputs by SX and weights of a scale, as ONNX has it."""
    factor = f32(f32(f32(SX) * f32(scale)) / f32(SY))
    return min(max(round(acc * factor) + ZY, low), high)


class Tests(Base):
    names = ("product_and_sum", "turned_narrow_weights", "clipped", "float_bias", "quantized_gemm", "scales_along_k",
             "large_weights", "an_output_without_a_name", "products_as_written")

    def numbers(self, narrow=False):
        self.x = [random.randrange(256) for _ in range(M * K)]
        self.w = [random.randrange(-7, 8) if narrow else random.randrange(-127, 128) for _ in range(K * N)]
        self.b = [random.randrange(-9000, 9000) for _ in range(N)]
        self.s = [f32(random.uniform(0.0005, 0.004)) for _ in range(N)]
        save("x.npy", "|u1", (M, K), self.x)

    def acc(self, turned, bias=True):
        """[M][N] sums."""
        w = (lambda k, n: self.w[n * K + k]) if turned else (lambda k, n: self.w[k * N + n])
        return [[sum((self.x[m * K + k] - ZX) * w(k, n) for k in range(K)) + (self.b[n] if bias else 0) for n in range(N)] for m in range(M)]

    def constants(self, turned, kind=onnx.INT8):
        shape = (N, K) if turned else (K, N)
        if kind == onnx.INT4:
            packed = [(self.w[i] & 15) | (self.w[i + 1] & 15) << 4 for i in range(0, K * N, 2)]
            w = b"".join(onnx.field(1, d) for d in shape) + onnx.field(2, kind) + onnx.field(8, "w") + onnx.field(9, bytes(packed))
        else:
            w = onnx.tensor("w", kind, shape, self.w)
        return [w, onnx.tensor("sw", onnx.FLOAT, (N,), self.s), onnx.tensor("sx", onnx.FLOAT, (), [SX]),
                onnx.tensor("zx", onnx.UINT8, (), [ZX]), onnx.tensor("sy", onnx.FLOAT, (), [SY]), onnx.tensor("zy", onnx.UINT8, (), [ZY]),
                onnx.tensor("b", onnx.INT32, (N,), self.b),
                onnx.tensor("sb", onnx.FLOAT, (N,), [f32(f32(SX) * s) for s in self.s])]

    def write(self, nodes, constants, pairs=True, opset=21, axis=1):
        head = [onnx.node("DequantizeLinear", ["x", "sx", "zx"], ["xf"]), onnx.node("DequantizeLinear", ["w", "sw"], ["wf"], axis=axis)]
        if any(onnx.fields(c)[8][0] == b"sb" for c in constants):
            head.append(onnx.node("DequantizeLinear", ["b", "sb"], ["bf"], axis=0))
        nodes = head + nodes + [onnx.node("QuantizeLinear", ["yf", "sy", "zy"], ["y"])] if pairs else nodes
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, [onnx.value("x", onnx.UINT8, [M, K])], [onnx.value("y", onnx.UINT8, [M, N])], constants, opset))

    def places(self):
        """{kind of operator: where it runs}"""
        return {o["type"]: o["where"] for o in self.json("show", "m.onnx", "--device", "soft")["operators"]}

    def check(self, want, product, where="device"):
        self.run("run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft")
        got = load("y.npy")[2]
        want = [v for row in want for v in row]
        near = 0 if where == "device" else 1  # of sums in float32
        self.expect(len(got) == len(want) and all(abs(a - b) <= near for a, b in zip(got, want)), "%s, not %s" % (got, want))
        self.expect(self.places().get(product) == where, "%s runs: %s" % (product, self.places()))

    def product_and_sum(self):
        self.numbers()
        for order in ["pf", "bf"], ["bf", "pf"]:
            self.write([onnx.node("MatMul", ["xf", "wf"], ["pf"]), onnx.node("Add", order, ["yf"])], self.constants(False))
            self.check([[requantized(a, self.s[n]) for n, a in enumerate(row)] for row in self.acc(False)], "MatMul")
            self.expect("Add" not in self.places(), "the sum is left: %s" % self.places())

    def turned_narrow_weights(self):
        for kind in onnx.INT8, onnx.INT4:
            self.numbers(kind == onnx.INT4)
            self.write([onnx.node("Gemm", ["xf", "wf", "bf"], ["yf"], transB=1)], self.constants(True, kind), axis=0)
            self.check([[requantized(a, self.s[n]) for n, a in enumerate(row)] for row in self.acc(True)], "Gemm")
        self.numbers(True)
        self.write([onnx.node("Gemm", ["xf", "wf", "bf"], ["yf"])], self.constants(False, onnx.INT4))
        self.check([[requantized(a, self.s[n]) for n, a in enumerate(row)] for row in self.acc(False)], "Gemm")

    def clipped(self):
        self.numbers()
        more = [onnx.tensor("low", onnx.FLOAT, (), [-1.0]), onnx.tensor("high", onnx.FLOAT, (), [2.5])]
        for inputs, low, high in (["pf", "low", "high"], -1.0, 2.5), (["pf", "", "high"], -99, 2.5), (["pf", "low"], -1.0, 99):
            self.write([onnx.node("Gemm", ["xf", "wf", "bf"], ["pf"]), onnx.node("Clip", inputs, ["yf"])], self.constants(False) + more)
            bounds = [min(max(round(f32(f32(v) / f32(SY))) + ZY, 0), 255) for v in (low, high)]
            self.check([[requantized(a, self.s[n], *bounds) for n, a in enumerate(row)] for row in self.acc(False)], "Gemm")

    def float_bias(self):
        """One that is a multiple of the scales is a bias of integers; another is computed as written."""
        self.numbers()
        self.s = [2.0 ** -random.randrange(8, 11) for _ in range(N)]
        exact = [SX * s * b for s, b in zip(self.s, self.b)]
        for bias, where in (exact, "device"), ([v + SX * s / 2 for v, s in zip(exact, self.s)], "CPU"):
            constants = [c for c in self.constants(False) if onnx.fields(c)[8][0] not in (b"b", b"sb")]
            self.write([onnx.node("Gemm", ["xf", "wf", "bias"], ["yf"])], constants + [onnx.tensor("bias", onnx.FLOAT, (N,), bias)])
            self.check([[requantized(a, self.s[n]) for n, a in enumerate(row)] for row in self.acc(False)], "Gemm", where)

    def quantized_gemm(self):
        for turned in False, True:
            self.numbers()
            constants = self.constants(turned) + [onnx.tensor("zw", onnx.INT8, (N,), [0] * N)]
            node = onnx.node("QGemm", ["x", "sx", "zx", "w", "sw", "zw", "b", "sy", "zy"], ["y"], transB=int(turned))
            self.write([node + onnx.field(7, "com.microsoft")], [c for c in constants if onnx.fields(c)[8][0] != b"sb"], pairs=False)
            self.check([[requantized(a, self.s[n]) for n, a in enumerate(row)] for row in self.acc(turned)], "QGemm")

    def scales_along_k(self):
        """Scales that go with what is summed up are no scales of columns, even if there are as many."""
        global N
        kept, N = N, K
        try:
            self.numbers()
            self.write([onnx.node("MatMul", ["xf", "wf"], ["yf"])], [c for c in self.constants(False) if onnx.fields(c)[8][0] != b"sb"], axis=0)
            want = [[0] * N for _ in range(M)]
            for m in range(M):
                for n in range(N):
                    real = sum((self.x[m * K + k] - ZX) * SX * self.w[k * N + n] * self.s[k] for k in range(K))
                    want[m][n] = min(max(round(real / SY) + ZY, 0), 255)
            self.check(want, "MatMul", "CPU")
        finally:
            N = kept

    def large_weights(self):
        """They are turned in squares, the last of which are none."""
        global K, N
        kept = K, N
        try:
            for K, N in (130, 70), (64, 65), (63, 128):
                self.numbers()
                constants = self.constants(False)
                self.write([onnx.node("Gemm", ["xf", "wf", "bf"], ["yf"])], constants)
                self.check([[requantized(a, self.s[n]) for n, a in enumerate(row)]
                            for row in self.acc(False)], "Gemm")
        finally:
            K, N = kept

    def an_output_without_a_name(self):
        """Nobody reads it, so nothing is made of it."""
        with open("m.onnx", "wb") as f:
            f.write(onnx.model([onnx.node("QuantizeLinear", ["x", "s"], [""]), onnx.node("Neg", ["x"], ["y"])],
                               [onnx.value("x", onnx.FLOAT, [1, 4])], [onnx.value("y", onnx.FLOAT, [1, 4])],
                               [onnx.tensor("s", onnx.FLOAT, (), [0.5])]))
        self.run("show", "m.onnx", "--device", "soft")

    def products_as_written(self):
        """
        Each of DequantizeLinear, Mul and QuantizeLinear rounds, QLinearMul does once: for some scales that is the same for all
        pairs of codes, and then it is one operator of the device.
        """
        pairs = [(x, w) for x in range(256) for w in range(256)]
        shape = (1, len(pairs))
        save("x.npy", "|u1", shape, [x for x, _ in pairs])
        save("w.npy", "|u1", shape, [w for _, w in pairs])
        for sx, sw, sy, fused in (0.0645039603, 0.0917936563, 1.1842107773, False), (0.5, 0.25, 8, True):
            sx, sw, sy, zx, zw, zy = f32(sx), f32(sw), f32(sy), 132, 119, 128
            factor = f32(f32(sx * sw) / sy)
            once = [f32((x - zx) * (w - zw) * factor) for x, w in pairs]
            steps = [f32(f32(f32((x - zx) * sx) * f32((w - zw) * sw)) / sy) for x, w in pairs]
            constants = []
            for name, scale, zero in ("x", sx, zx), ("w", sw, zw), ("y", sy, zy):
                constants += [onnx.tensor("s" + name, onnx.FLOAT, (), [scale]), onnx.tensor("z" + name, onnx.UINT8, (), [zero])]
            one = onnx.node("QLinearMul", ["x", "sx", "zx", "w", "sw", "zw", "sy", "zy"], ["y"]) + onnx.field(7, "com.microsoft")
            three = [onnx.node("DequantizeLinear", ["x", "sx", "zx"], ["xf"]), onnx.node("DequantizeLinear", ["w", "sw", "zw"], ["wf"]),
                     onnx.node("Mul", ["xf", "wf"], ["yf"]), onnx.node("QuantizeLinear", ["yf", "sy", "zy"], ["y"])]
            for nodes, reals, kind, where in ([one], once, "QLinearMul", "device"), (three, steps, "Mul", "device" if fused else "CPU"):
                with open("m.onnx", "wb") as f:
                    f.write(onnx.model(nodes, [onnx.value("x", onnx.UINT8, shape), onnx.value("w", onnx.UINT8, shape)],
                                       [onnx.value("y", onnx.UINT8, shape)], constants))
                want = [min(max(round(real) + zy, 0), 255) for real in reals]
                self.run("run", "m.onnx", "--input", "x.npy", "--input", "w.npy", "-o", "y.npy", "--device", "soft")
                wrong = sum(a != b for a, b in zip(load("y.npy")[2], want))
                self.expect(wrong == 0, "%s by %g: %d of %d" % (kind, sx, wrong, len(pairs)))
                self.expect(self.places().get(kind) == where, "%s by %g: %s" % (kind, sx, self.places()))
            self.expect((once == steps) is fused, "the scales show nothing")


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
