#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Small files that announce much: whether they are taken or refused, the command needs no more memory than for a small model.

usage: test_model_memory.py XQ... Prints KTAP.
"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import with_numpy  # noqa: E402,F401, before what imports numpy
import onnx_file as onnx  # noqa: E402
import tflite_file as tflite  # noqa: E402
from xq_case import Tests as Base, main, save  # noqa: E402

# Sizes of dimensions, or how often: from those that there could be memory for to those that no number has.
HUGE = (1 << 26, 1 << 30, (1 << 31) - 1, 1 << 40, (1 << 63) - 1, -2)
# In bytes; of a model that is made of 64 KiB of constants at most.
ALLOWED, MOST_FILE = 24 << 20, 1 << 16
# A process begins with the peak of the one that makes it, which would be that of numpy.
MEASURED = """import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
sys.stderr.write("most %d" % usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Tests(Base):
    names = ("operators", "constants_of_constants", "constants", "external_data", "weights_once", "tflite_operators", "tflite_constants")

    def command(self, *words):
        p = subprocess.run([sys.executable, "-I", "-S", "-c", MEASURED, self.xq, *words], capture_output=True, text=True, check=False)
        err, _, most = p.stderr.rpartition("most ")
        return p, p.stdout, err, int(most) << 10

    def used(self, *words):
        p, _, err, most = self.command(*words)
        self.expect(not p.returncode, "xq %s: exit status %d, %r" % (" ".join(words), p.returncode, err))
        return most

    def peak(self, path):
        """Most memory of the command, and what it said."""
        p, out, err, most = self.command("show", path, "--device", "soft")
        good = not err if p.returncode == 0 else p.returncode == 1 and err.count("\n") == 1 and err.startswith("xq: show: ")
        self.expect(good, "%s: exit status %d, %r" % (path, p.returncode, err[:300]))
        return most, out + err

    def small(self, path, data, what):
        self.expect(len(data) <= MOST_FILE, "%s: a file of %d bytes" % (what, len(data)))
        with open("least.onnx", "wb") as f:
            f.write(onnx.model([onnx.node("Neg", ["x"], ["y"])], [onnx.value("x", onnx.FLOAT, (2, 2))], [onnx.value("y", onnx.FLOAT, (2, 2))], ()))
        least = self.peak("least.onnx")[0]
        with open(path, "wb") as f:
            f.write(data)
        used, said = self.peak(path)
        self.expect(used <= least + ALLOWED, "%s takes %d MiB, and a model of one operator %d: %s" %
                    (what, used >> 20, least >> 20, said.strip().splitlines()[-1]))
        return said

    def onnx(self, what, nodes, constants=(), shape=(2, 2), rank=1):
        """x is an input of that shape, y of so many dimensions the output."""
        dims = tuple("abcdef"[:rank])
        return self.small("m.onnx", onnx.model(nodes, [onnx.value("x", onnx.FLOAT, shape)], [onnx.value("y", onnx.FLOAT, dims)], constants, 13), what)

    def operators(self):
        """One operator whose output would be huge; from a constant, and from an input."""
        for n in HUGE:
            one, two = onnx.tensor("n", onnx.INT64, (1,), [n]), onnx.tensor("nn", onnx.INT64, (2,), [n, n])
            pads = onnx.tensor("p", onnx.INT64, (4,), [0, 0, 0, n])
            more = [onnx.tensor("c", onnx.FLOAT, (1, 1), [1.0]), onnx.tensor("i", onnx.FLOAT, (1, 1, 2, 2), [1.0] * 4),
                    onnx.tensor("to", onnx.INT64, (4,), [1, 1, n, n]), onnx.tensor("zero", onnx.INT64, (), [0]), onnx.tensor("step", onnx.INT64, (), [1]),
                    onnx.tensor("end", onnx.INT64, (), [n]), onnx.tensor("on", onnx.FLOAT, (2,), [0.0, 1.0]), onnx.tensor("at", onnx.INT64, (2,), [0, 1])]
            cases = [("ConstantOfShape", ["n"], {}, 1), ("ConstantOfShape", ["nn"], {}, 2), ("OneHot", ["at", "n", "on"], {}, 2),
                     ("Resize", ["i", "", "", "to"], {"mode": "nearest"}, 4), ("Reshape", ["x", "nn"], {}, 2), ("Reshape", ["c", "nn"], {}, 2),
                     ("Range", ["zero", "end", "step"], {}, 1), ("TopK", ["x", "n"], {}, 2), ("Split", ["x", "nn"], {}, 2)]
            cases += [(kind, [x, how], {}, 2) for x in "cx" for kind, how in (("Expand", "nn"), ("Tile", "nn"), ("Pad", "p"))]
            if n < 1 << 40:
                cases += [("Conv", ["i", "i"], {"pads": [0, 0, n, n]}, 4), ("ConvTranspose", ["i", "i"], {"output_shape": [n, n]}, 4),
                          ("MaxPool", ["i"], {"kernel_shape": [1, 1], "pads": [0, 0, n, n]}, 4), ("DepthToSpace", ["i"], {"blocksize": n}, 4)]
            for kind, operands, attributes, rank in cases:
                if kind == "Range":
                    nodes = [onnx.node("Range", operands, ["r"]), onnx.node("Cast", ["r"], ["y"], to=1)]
                else:
                    nodes = [onnx.node(kind, operands, ["y"] if kind != "TopK" else ["y", "indices"], **attributes)]
                self.onnx("%s of %s by %d" % (kind, operands[0], n), nodes, [one, two, pads, *more], rank=rank)

    def constants_of_constants(self):
        """Operators of constants are computed at once: many that make a little, each that makes more of the one before."""
        sizes = [onnx.tensor("n", onnx.INT64, (1,), [1 << 18]), onnx.tensor("four", onnx.INT64, (1,), [4])]
        nodes = [onnx.node("ConstantOfShape", ["n"], ["c%d" % i]) for i in range(400)]
        nodes += [onnx.node("Neg", ["c%d" % i], ["n%d" % i]) for i in range(400)]
        sums = [onnx.node("Sum", ["x", *("n%d" % (40 * i + k) for k in range(40))], ["s%d" % i]) for i in range(10)]
        self.onnx("many of 1 MiB", nodes + sums + [onnx.node("Sum", ["s%d" % i for i in range(10)], ["y"])], sizes, (1,))
        start = [onnx.tensor("t0", onnx.FLOAT, (4,), [1.0, 2.0, 3.0, 4.0]), *sizes]
        chain = [onnx.node("Tile", ["t%d" % i, "four"], ["t%d" % (i + 1)]) for i in range(12)]
        self.onnx("four times as much again and again", chain + [onnx.node("Add", ["x", "t12"], ["y"])], start, (1,))

    def constants(self):
        """Shapes that the data is too short for."""
        for n in HUGE:
            for shape in ((n,), (n, n), (1, n), (n, 0)):
                for kind, raw in ((onnx.FLOAT, b"\0" * 16), (onnx.INT4, b"\0"), (onnx.INT64, b"")):
                    t = b"".join(onnx.field(1, d) for d in shape) + onnx.field(2, kind) + onnx.field(8, "c") + onnx.field(9, raw)
                    said = self.onnx("%s of type %d" % (shape, kind), [onnx.node("Identity", ["c"], ["y"])], [t], rank=len(shape))
                    self.expect("c" in said, said)

    def external_data(self):
        with open("data.bin", "wb") as f:
            f.write(bytes(64))
        for n in HUGE:
            for offset, length in ((0, n), (n, 64), (n, n), (0, None)):
                places = [("location", "data.bin"), ("offset", str(offset))] + ([("length", str(length))] if length is not None else [])
                t = (onnx.field(1, n) + onnx.field(2, onnx.FLOAT) + onnx.field(8, "c") + onnx.field(14, 1) +
                     b"".join(onnx.field(13, onnx.field(1, k) + onnx.field(2, v)) for k, v in places))
                self.onnx("offset %d, length %s" % (offset, length), [onnx.node("Identity", ["c"], ["y"])], [t])

    def weights_once(self):
        """Weights are packed from the file, whose pages then go; a bias that is read from there would bring all around it back."""
        n, layers = 768, 8
        nodes, constants, weights = [], [], bytes(4 * n * n)
        # By the lengths of names some lie in the file where they can be read, and others have to be copied.
        bias = ["b%d%s" % (i, "b" * (i % 4)) for i in range(layers)]
        for i in range(layers):
            constants += [onnx.field(1, n) + onnx.field(1, n) + onnx.field(2, onnx.FLOAT) + onnx.field(8, "w%d" % i) + onnx.field(9, weights),
                          onnx.tensor(bias[i], onnx.FLOAT, (n,), [1.0] * n)]
            nodes.append(onnx.node("Gemm", ["x" if i == 0 else "t%d" % i, "w%d" % i, bias[i]], ["y" if i == layers - 1 else "t%d" % (i + 1)]))
        with open("tiny.onnx", "wb") as f:
            f.write(onnx.model([onnx.node("Neg", ["x"], ["y"])], [onnx.value("x", onnx.FLOAT, (1, n))], [onnx.value("y", onnx.FLOAT, (1, n))], ()))
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, [onnx.value("x", onnx.FLOAT, (1, n))], [onnx.value("y", onnx.FLOAT, (1, n))], constants))
        save("x.npy", "<f4", (1, n), [1.0] * n)
        base, used = (self.used("run", name, "--input", "x.npy", "-o", "y.npy", "--device", "soft") for name in ("tiny.onnx", "m.onnx"))
        print("# %.1f MiB for %.1f MiB of weights" % ((used - base) / 2 ** 20, layers * len(weights) / 2 ** 20))
        self.expect(used - base <= layers * len(weights) * 1.25, "%d bytes for %d of weights" % (used - base, layers * len(weights)))

    def made(self, what, kind, operands, shape, options=None, option_type=1, said=True):
        """operands: the first is (shape, data or None), others lists of s32; the output has that shape, or none that is known."""
        model = tflite.Model()
        g = model.main
        x = g.tensor("float32", operands[0][0], data=operands[0][1], name="x")
        g.inputs = [x] if operands[0][1] is None else [g.tensor("float32", (1,), name="other")]
        others = [g.tensor("int32", (len(o) if not isinstance(o[0], tuple) else len(o) // 1, *([2] if isinstance(o[0], tuple) else [])),
                           data=b"".join(v.to_bytes(4, "little", signed=True) for p in o for v in (p if isinstance(p, tuple) else (p,)))) for o in operands[1:]]
        g.outputs = [g.tensor("float32", shape, name="y")]
        g.op(kind, [x, *others], g.outputs, options, option_type)
        self.small("m.tflite", model.bytes(), what)

    def tflite_operators(self):
        four = bytes(16)
        for n in (1 << 26, 1 << 30, (1 << 31) - 1, -2):
            for data in (None, four):
                self.made("RESHAPE to %d" % n, "RESHAPE", [((1, 4), data), [n, n]], (1, 1))
                self.made("BROADCAST_TO %d" % n, 130, [((1, 4), data), [n, 4]], (1, 1))
                self.made("TILE by %d" % n, 69, [((1, 4), data), [n, 1]], (1, 1))
                self.made("PAD by %d" % n, "PAD", [((1, 4), data), [(0, n), (n, 0)]], (1, 1))
                self.made("RESIZE_BILINEAR to %d" % n, "RESIZE_BILINEAR", [((1, 2, 2, 1), data), [n, n]], (1, 1, 1, 1), tflite.Table(f2=("B", 0)), 15)
                self.made("an output of %d" % n, "RELU", [((1, 4), data)], (n, n))
                self.made("an input of %d" % n, "RELU", [((n, n), None)], (n, n))

    def tflite_constants(self):
        for n in (1 << 26, 1 << 30, (1 << 31) - 1):
            for shape in ((n,), (n, n), (n, 0)):
                self.made("%s" % (shape,), "RELU", [(shape, bytes(16))], shape)


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
