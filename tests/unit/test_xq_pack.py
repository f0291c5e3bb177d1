#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq pack and unpack: every order against bits and blocks laid out here by their definitions, there and back.

usage: test_xq_pack.py XQ.... Prints KTAP.
"""
import math
import os
import random
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import load, save  # noqa: E402

RANGES = {"s8": (-128, 127, 8), "u8": (0, 255, 8), "s4": (-8, 7, 4), "u4": (0, 15, 4), "s2": (-2, 1, 2), "u2": (0, 3, 2), "t2": (-1, 1, 2),
          "c4": (0, 15, 4), "c8": (0, 255, 8)}
B1 = {1: 1, -1: 0}  # a set bit is +1


def code(kind, value):
    return B1[value] if kind == "b1" else value & ((1 << RANGES[kind][2]) - 1)


def bits_of(kind):
    return 1 if kind == "b1" else RANGES[kind][2]


def in_bits(kind, values):
    """From the lowest bit up, as one number."""
    number = 0
    for i, value in enumerate(values):
        number |= code(kind, value) << (i * bits_of(kind))
    return number.to_bytes((len(values) * bits_of(kind) + 7) // 8, "little")


def rows(kind, values, k):
    return b"".join(in_bits(kind, values[i:i + k]) for i in range(0, len(values), k))


def tiled(kind, values, k):
    """Word w of row r of a tile of 16 rows and 64 words is at byte 4 (16 w + r); tiles go along k first."""
    n, row = len(values) // k, (k * bits_of(kind) + 7) // 8
    across = (row + 255) // 256
    out = bytearray((n + 15) // 16 * across * 4096)
    for r in range(n):
        for i, byte in enumerate(in_bits(kind, values[r * k:r * k + k])):
            tile = r // 16 * across + i // 256
            out[tile * 4096 + 4 * (16 * (i % 256 // 4) + r % 16) + i % 4] = byte
    return bytes(out)


def offset8(values, k):
    out = bytearray()
    for i in range(0, len(values), k):
        row = [v + 8 for v in values[i:i + k]] + [0] * (k % 2)
        out += bytes(row[j] << 4 | row[j + 1] for j in range(0, len(row), 2))
    return bytes(out)


def half(value):
    return struct.pack("<e", value)


def block(order, d, m, q):
    """One of ggml's blocks, from its scale, offset and codes."""
    nibbles = bytes(q[j] | q[j + 16] << 4 for j in range(16)) if order in ("q4_0", "q4_1", "mxfp4") else b""
    if order == "q8_0":
        return half(d) + struct.pack("<32b", *q)
    if order == "q4_0":
        return half(d) + nibbles
    if order == "q4_1":
        return half(d) + half(m) + nibbles
    if order == "mxfp4":
        return bytes([int(math.log2(d)) + 127]) + nibbles
    return bytes(sum(q[128 * h + 32 * n + j] << (2 * n) for n in range(4)) for h in range(2) for j in range(32)) + half(d)


E2M1 = [0, .5, 1, 1.5, 2, 3, 4, 6]


def value(order, d, m, q):
    return {"q8_0": lambda: d * q, "q4_0": lambda: d * (q - 8), "q4_1": lambda: d * q + m, "tq2_0": lambda: d * (q - 1),
            "mxfp4": lambda: d * (E2M1[q & 7] * (-1 if q > 7 else 1))}[order]()


class Pack(xq_case.Tests):
    names = ("the_row_of_the_lecture", "rows", "tiles", "orders_of_others", "blocks", "blocks_as_codes", "blocks_from_floats", "files", "what_it_refuses")

    def both_ways(self, order, kind, shape, values, want):
        signed = kind in ("s8", "s4", "s2", "t2", "b1")
        save("x.npy", "|i1" if signed else "|u1", shape, values)
        words = ["--order", order, "--type", kind]
        self.run("pack", "x.npy", "-o", "p.bin", *words)
        with open("p.bin", "rb") as f:
            got = f.read()
        self.expect(got == want, "%s %s %s: %s, not %s" % (order, kind, shape, got.hex(), want.hex()))
        self.run("unpack", "p.bin", "-o", "y.npy", *words, "--shape", ",".join(map(str, shape)))
        self.expect(load("y.npy") == load("x.npy"), "%s %s %s: other values come back" % (order, kind, shape))

    def the_row_of_the_lecture(self):
        self.both_ways("offset8", "s4", (4,), [-3, 1, -7, 2], bytes([89, 26]))

    def cases(self, kinds, shapes):
        for kind in kinds:
            for shape in shapes:
                n = math.prod(shape)
                low, high = (-1, 1) if kind == "b1" else RANGES[kind][:2]
                yield kind, shape, [random.choice([-1, 1]) if kind == "b1" else random.randint(low, high) for _ in range(n)]

    def rows(self):
        for kind, shape, values in self.cases([*RANGES, "b1"], [(7,), (3, 5), (2, 3, 9), (1, 64), (4, 1), (0, 4), (4, 0)]):
            self.both_ways("rows", kind, shape, values, rows(kind, values, shape[-1]) if values else b"")

    def tiles(self):
        for kind, shape, values in self.cases(["s8", "s4", "t2", "b1", "c4"], [(3, 5), (17, 300), (16, 256), (20, 2100), (9,)]):
            self.both_ways("tiled", kind, shape, values, tiled(kind, values, shape[-1]))

    def orders_of_others(self):
        for kind, shape, values in self.cases(["s4", "u4", "s2", "u2"], [(7,), (3, 5), (2, 3, 3), (4, 8)]):
            self.both_ways("onnx", kind, shape, values, in_bits(kind, values))
        for kind, shape, values in self.cases(["s4"], [(7,), (3, 5), (2, 3, 3), (4, 8)]):
            self.both_ways("cmsis-s4", kind, shape, values, in_bits(kind, values))
            self.both_ways("offset8", kind, shape, values, offset8(values, shape[-1]))

    def make_blocks(self, order, count):
        n, last = (256, 2) if order == "tq2_0" else (32, 15)
        for i in range(count):
            d = 2.0 ** random.randint(-5, 5) if order == "mxfp4" else random.choice([.5, -.25, 1.5, 3.0 + i])
            q = [random.randint(-128, 127) if order == "q8_0" else random.randint(0, last) for _ in range(n)]
            yield d, random.choice([-2.5, 0.75]), q

    def blocks(self):
        for order in "q8_0", "q4_0", "q4_1", "tq2_0", "mxfp4":
            made = list(self.make_blocks(order, 6))
            n = len(made[0][2])
            with open("b.bin", "wb") as f:
                f.write(b"".join(block(order, *b) for b in made))
            self.run("unpack", "b.bin", "-o", "y.npy", "--order", order, "--shape", "2,%d" % (3 * n))
            want = tuple(float(value(order, d, m, q)) for d, m, codes in made for q in codes)
            self.expect(load("y.npy") == ("<f4", (2, 3 * n), want), order)

    def blocks_as_codes(self):
        for order, shift in [("q8_0", 0), ("q4_0", 8), ("q4_1", 0), ("tq2_0", 1), ("mxfp4", 0)]:
            made = list(self.make_blocks(order, 4))
            n = len(made[0][2])
            with open("b.bin", "wb") as f:
                f.write(b"".join(block(order, *b) for b in made))
            extra = {"q4_1": ["--offset-out", "m.npy"], "mxfp4": ["--codebook-out", "t.npy"]}.get(order, [])
            self.run("unpack", "b.bin", "-o", "q.npy", "--order", order, "--shape", "2,%d" % (2 * n), "--scale-out", "s.npy", *extra)
            self.expect(load("q.npy") == ("|i1", (2, 2 * n), tuple(q - shift for _, _, codes in made for q in codes)), order + ": codes")
            self.expect(load("s.npy") == ("<f4", (2, 2), tuple(d / 2 if order == "mxfp4" else d for d, _, _ in made)), order + ": scales")
            if order == "q4_1":
                self.expect(load("m.npy") == ("<f4", (2, 2), tuple(m for _, m, _ in made)), "offsets")
            if order == "mxfp4":
                self.expect(load("t.npy")[2] == tuple(int(2 * value(order, 1, 0, q)) for q in range(16)), "table")

    def blocks_from_floats(self):
        """The blocks are those of the definitions, and come back as near as their scale allows."""
        x = [random.gauss(0, 1) for _ in range(1024)]
        save("x.npy", "<f4", (2, 512), x)
        for order, n, size, steps in [("q8_0", 32, 34, .5 / 127), ("q4_0", 32, 18, 1 / 8), ("q4_1", 32, 20, 1 / 15), ("tq2_0", 256, 66, .5), ("mxfp4", 32, 17, .25)]:
            self.run("pack", "x.npy", "-o", "p.npy", "--order", order)
            dtype, shape, _ = load("p.npy")
            self.expect(dtype == "|u1" and shape == (2, 512 // n, size), "%s: %s %s" % (order, dtype, shape))
            self.run("unpack", "p.npy", "-o", "y.npy", "--order", order, "--shape", "2,512")
            y = load("y.npy")[2]
            for i in range(0, 1024, n):
                # The scale is rounded to float16, besides.
                limit = max(map(abs, x[i:i + n])) * (steps * (2 if order == "q4_1" else 1) + 2 ** -10)
                worst = max(abs(a - b) for a, b in zip(x[i:i + n], y[i:i + n]))
                self.expect(worst <= limit, "%s: %g at %d, at most %g" % (order, worst, i, limit))
            # What lies on the grid stays as it is.
            self.run("pack", "y.npy", "-o", "p2.npy", "--order", order)
            self.run("unpack", "p2.npy", "-o", "y2.npy", "--order", order, "--shape", "2,512")
            worst = max(abs(a - b) for a, b in zip(y, load("y2.npy")[2]))
            self.expect(worst < .01, "%s: %g the second time" % (order, worst))

    def files(self):
        save("x.npy", "|i1", (3, 5), [1, -2, 3, -4, 5] * 3)
        self.run("pack", "x.npy", "-o", "p.npy", "--order", "rows", "--type", "s4")
        self.expect(load("p.npy") == ("|u1", (3, 3), tuple(in_bits("s4", [1, -2, 3, -4, 5])) * 3), repr(load("p.npy")))
        self.run("unpack", "p.npy", "-o", "y.npy", "--order", "rows", "--type", "s4", "--shape", "3,5")
        self.expect(load("y.npy") == load("x.npy"), "from .npy")
        with open("p.npy", "rb") as f:
            raw = f.read()[-9:]
        p = subprocess.run([self.xq, "unpack", "/dev/stdin", "-o", "z.npy", "--order", "rows", "--type", "s4", "--shape", "3,5"], input=raw, capture_output=True, check=False)
        self.expect(not p.returncode and load("z.npy") == load("x.npy"), "from a pipe: %r" % p.stderr)
        save("h.npy", "<f2", (32,), [1.0] * 32)
        self.run("pack", "h.npy", "-o", "p.npy", "--order", "q8_0")
        self.expect(load("p.npy")[1] == (1, 34), "float16")

    def what_it_refuses(self):
        os.mkdir("folder")
        self.refused(1, "cannot read folder: Is a directory", "unpack", "folder", "--order", "rows", "--type", "s8", "--shape", "4", "-o", "u.npy")
        save("x.npy", "|i1", (3, 5), [1, -2, 3, -4, 9] * 3)
        save("f.npy", "<f4", (32,), [1.0] * 31 + [math.inf])
        save("g.npy", "<f4", (2, 33), [1.0] * 66)
        save("big.npy", "<f4", (32,), [1e30] * 32)
        save("s.npy", "|i1", (), [1])
        save("i.npy", "<i4", (2,), [1, 2])
        save("deep.npy", "|i1", (2, 2, 2), [0] * 8)
        with open("b.bin", "wb") as f:
            f.write(bytes(10))
        pack = ["pack", "x.npy", "-o", "p.bin"]
        for rc, sentence, words in [
                (2, "-o FILE is missing", ["pack", "x.npy"]), (2, "--order is missing", pack),
                (2, "--order takes rows, tiled, onnx, cmsis-s4, offset8, q8_0, q4_0, q4_1, tq2_0 or mxfp4 (q4_2)", [*pack, "--order", "q4_2"]),
                (1, "x.npy has a value that is not of --type s4 (element [0, 4] is 9)", [*pack, "--order", "rows", "--type", "s4"]),
                (1, "x.npy has a value that is not of --type s4 (element [0, 4] is 9)", [*pack, "--order", "offset8"]),
                (1, "the order onnx is of s4, u4, s2 and u2 (--type s8)", [*pack, "--order", "onnx"]),
                (1, "the order tiled is of a matrix (deep.npy is [2, 2, 2])", ["pack", "deep.npy", "-o", "p.bin", "--order", "tiled"]),
                (1, "x.npy must be of a floating type (it is int8)", [*pack, "--order", "q4_0"]),
                (1, "an element is not finite (element [31] is inf)", ["pack", "f.npy", "-o", "p.bin", "--order", "q8_0"]),
                (1, "a block needs a scale that float16 does not have (element [0] is 1e+30)", ["pack", "big.npy", "-o", "p.bin", "--order", "q8_0"]),
                (1, "the last axis must be a multiple of 32 for q4_0 (the tensor is [2, 33])", ["pack", "g.npy", "-o", "p.bin", "--order", "q4_0"]),
                (1, "a scalar has no axis to pack", ["pack", "s.npy", "-o", "p.bin", "--order", "rows"]),
                (1, "i.npy must be int8 or uint8 (it is int32)", ["pack", "i.npy", "-o", "p.bin", "--order", "rows"]),
                (2, "-o X.npy is missing", ["unpack", "b.bin"]), (2, "--shape is missing", ["unpack", "b.bin", "-o", "p.bin", "--order", "rows"])]:
            self.refused(rc, sentence.replace("(deep.npy is", "(the tensor is").replace("the order tiled", "the tiled order"), *words)
        unpack = ["unpack", "b.bin", "-o", "p.bin", "--order"]
        for rc, sentence, words in [
                (2, "--type is missing, which --order rows needs", ["rows", "--shape", "4"]),
                (1, "--shape 4,4 takes 8 bytes in the order rows, and b.bin has 10", ["rows", "--type", "s4", "--shape", "4,4"]),
                (1, "the order offset8 is of s4 only (--type u4)", ["offset8", "--type", "u4", "--shape", "4"]),
                (1, "the order q4_0 is of floats, which have no --type (--type s4)", ["q4_0", "--type", "s4", "--shape", "32"]),
                (2, "--shape takes 1 to 16 dimensions with commas between them (4x4)", ["rows", "--type", "s4", "--shape", "4x4"]),
                (2, "--shape takes 1 to 16 dimensions with commas between them (-1)", ["rows", "--type", "s4", "--shape=-1"]),
                (1, "--shape is too large (9223372036854775807,9)", ["rows", "--type", "s4", "--shape", "9223372036854775807,9"]),
                (2, "--scale-out, --offset-out and --codebook-out are of ggml's blocks (--order rows)", ["rows", "--type", "s4", "--shape", "4", "--scale-out", "s"]),
                (2, "--offset-out is of q4_1 (--order q4_0)", ["q4_0", "--shape", "32", "--scale-out", "s", "--offset-out", "o"]),
                (2, "--codebook-out needs --scale-out", ["mxfp4", "--shape", "32", "--codebook-out", "o"])]:
            self.refused(rc, sentence, *unpack, *words)
        self.expect(not [f for f in os.listdir(".") if f.startswith("p.bin")], "a file is left behind")


if __name__ == "__main__":
    xq_case.main(Pack, sys.argv[1:])
