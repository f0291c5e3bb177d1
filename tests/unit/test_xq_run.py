#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq run and xq show of models: what they print, what they refuse. The arithmetic has test_tflite.py.

usage: test_xq_run.py XQ.... Prints KTAP.
"""
import os
import pty
import re
import subprocess
import sys
import time
import xml.dom.minidom

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from with_numpy import np  # noqa: E402, before what imports numpy
import onnx_file as onnx  # noqa: E402
import tflite_file  # noqa: E402
import xq_case  # noqa: E402
from tflite_file import Table  # noqa: E402


def add_model(path, mixed=False):
    """y = x + x in one scale, so twice the code; or with a SUB, which the CPU computes, behind it."""
    model = tflite_file.Model()
    g = model.main
    x, y = g.tensor("int8", (1, 4), 0.5, 0, name="the input"), g.tensor("int8", (1, 4), 0.5, 0, name="sum")
    g.op("ADD", [x, x], [y], Table(f0=("b", 0)))
    out = y
    if mixed:
        out = g.tensor("int8", (1, 4), 0.5, 0, name="difference")
        g.op("SUB", [y, x], [out], Table(f0=("b", 0)))
    g.inputs, g.outputs = [x], [out]
    with open(path, "wb") as f:
        f.write(model.bytes())
    return path


def constant(name, values):
    """As onnx.tensor(), of an array."""
    kind = {"float32": onnx.FLOAT, "int64": onnx.INT64}[values.dtype.name]
    return b"".join(onnx.field(1, d) for d in values.shape) + onnx.field(2, kind) + onnx.field(8, name) + onnx.field(9, values.tobytes())


def onnx_model(path, nodes, shape_in, shape_out, constants):
    with open(path, "wb") as f:
        f.write(onnx.model(nodes, [onnx.value("x", onnx.FLOAT, shape_in)], [onnx.value("y", onnx.FLOAT, shape_out)], constants))


class Run(xq_case.Tests):
    names = ("rows", "parts_of_rows", "floats", "labels", "profile", "progress", "show", "what_it_refuses", "unaligned", "peak")

    def values(self, *words, rc=0):
        self.run("run", "m.tflite", "-o", "y.npy", "--device", "soft", *words, rc=rc)
        return np.load("y.npy") if not rc else None

    def rows(self):
        add_model("m.tflite")
        x = np.arange(-12, 16, dtype=np.int8).reshape(7, 4)
        np.save("x.npy", x)
        for batch in ("1", "2", "3", "7", "100"):
            got = self.values("--input", "x.npy", "--batch", batch)
            self.expect(got.dtype == np.int8 and np.array_equal(got, 2 * x), "batch %s: %r" % (batch, got))
        np.save("x.npy", np.zeros((0, 4), np.int8))
        self.expect(self.values("--input", "x.npy").shape == (0, 4), "no rows")

    def parts_of_rows(self):
        """Operators that take a part of the rows, which is all of one row, but not of several: then they come one after the other."""
        x = np.random.default_rng(2).integers(-8, 8, (4, 3, 6)).astype(np.float32)
        one = np.array([0], np.int64)
        for node, constants, apart, rows in (
                (("Slice", "a", "b", "first"), {"a": one, "b": one + 1}, False, x),
                (("Slice", "a", "b", "first"), {"a": one - 1, "b": one + 9}, False, x),
                (("Slice", "a", "b", "first", "step"), {"a": one - 1, "b": one - 9, "step": one - 1}, False, x),
                (("Slice", "a", "b", "first", "step"), {"a": one, "b": one + 2 ** 40, "step": one + 2}, False, x),
                (("Slice", "a", "b", "axes"), {"a": one, "b": one + 2 ** 40, "axes": one - 3}, True, x),
                (("Slice", "a", "b", "axes"), {"a": one + 1, "b": one + 3, "axes": one - 1}, True, x[:, :, 1:3]),
                (("Pad", "a"), {"a": np.array([1, 0, 0, -1, 0, 0], np.int64)}, False, 0 * x),
                (("Pad", "a"), {"a": np.array([0, 1, 0, 0, 0, 2], np.int64)}, True, np.pad(x, ((0, 0), (1, 0), (0, 2)))),
                (("Resize", "", "a"), {"a": np.array([1.5, 1, 1], np.float32)}, False, x),
                (("Resize", "", "", "a"), {"a": np.array([1, 3, 12], np.int64)}, False, x.repeat(2, 2)),
                (("Resize", "", "a"), {"a": np.array([1, 1, 2], np.float32)}, True, x.repeat(2, 2))):
            mode = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"} if node[0] == "Resize" else {}
            onnx_model("m.onnx", [onnx.node(node[0], ["x", *node[1:]], ["y"], **mode)], (1, 3, 6), tuple("abc"),
                       [constant(k, v) for k, v in {"first": one, **constants}.items()])
            np.save("x.npy", x)
            words = "run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft"
            self.run(*words)
            self.expect(np.array_equal(np.load("y.npy"), rows), "%s %s: one by one" % (node, constants))
            os.remove("y.npy")
            self.run(*words, "--batch", "4", rc=0 if apart else 1)
            self.expect(os.path.exists("y.npy") == apart and (not apart or np.array_equal(np.load("y.npy"), rows)), "%s %s" % (node, constants))

    def floats(self):
        add_model("m.tflite")
        np.save("x.npy", np.array([[0.25, 0.75, -0.3, 100]], np.float32))
        got = self.values("--input", "x.npy")
        self.expect(got.tolist() == [[0, 4, -2, 127]], "halves to even: %r" % got)
        np.save("x.npy", np.array([[0, 0, np.nan, 0]], np.float32))
        self.refused(1, "input 0 can't be taken: it has a value that is not finite (x.npy)", "run", "m.tflite", "-o", "y.npy", "--device",
                     "soft", "--input", "x.npy")

    def labels(self):
        add_model("m.tflite")
        np.save("x.npy", np.array([[1, 2, 3, 4], [4, 3, 2, 1], [1, 5, 4, 0], [2, 2, 1, 0]], np.int8))
        np.save("l.npy", np.array([3, 1, 3, 1]))
        words = ("run", "m.tflite", "--input", "x.npy", "--device", "soft")
        got = self.run(*words, "--labels", "l.npy", "--top", "2").stdout
        self.expect(got == "top-1 25.00 % (1 of 4), top-2 75.00 % (3)\n", repr(got))
        got = self.json(*words, "--labels", "l.npy", "--top", "3")
        self.expect((got["rows"], got["top1"], got["top3"], got["runs"]) == (4, 1, 3, 4), repr(got))
        got = self.run(*words, "--top", "2").stdout
        self.expect(got == "0: 3 (4), 2 (3)\n1: 0 (4), 1 (3)\n2: 1 (5), 2 (4)\n3: 0 (2), 1 (2)\n", repr(got))
        np.save("l.npy", np.array([3, 1, 3]))
        self.refused(1, "--labels has not one integer for each of 4 rows (int64 [3])", *words, "--labels", "l.npy")
        np.save("l.npy", np.array([3, 1, 3, 4]))
        self.refused(1, "label 3 is 4, the output has 4 classes", *words, "--labels", "l.npy")

    def profile(self):
        add_model("m.tflite", True)
        np.save("x.npy", np.ones((3, 4), np.int8))
        got = self.run("run", "m.tflite", "--input", "x.npy", "--device", "soft", "--profile", "p.svg").stdout.splitlines()
        self.expect("device" in got[1].split() and "CPU" in got[2].split(), repr(got))
        self.expect(got[3].startswith("3 runs, each ") and got[3].endswith("(1 changes)"), repr(got[3]))
        self.expect(got[4].startswith("memory: "), repr(got[4]))
        picture = xml.dom.minidom.parse("p.svg")
        self.adds_up(picture, got)
        got = self.json("run", "m.tflite", "--input", "x.npy", "--device", "soft")
        self.expect([o["where"] for o in got["operators"]] == ["device", "CPU"] and got["changes"] == 1, repr(got))
        self.expect(got["us"] >= got["us_device"] + got["us_cpu"], "a run is shorter than its operators: %r" % got)

    def adds_up(self, picture, table):
        """Bars are as long as the times in the picture's second line, which are those of the table's last but one and make a run."""
        texts = ["".join(n.data for n in t.childNodes if n.nodeType == n.TEXT_NODE) for t in picture.getElementsByTagName("text")]
        spans = [t.firstChild.data for t in picture.getElementsByTagName("tspan")]
        device, cpu, between = (float(re.search(r" ([0-9.]+)(?: \(|$)", s).group(1)) for s in spans)
        whole = float(re.search(r": ([0-9.]+) us a run", texts[0]).group(1))
        self.expect(abs(device + cpu + between - whole) <= 0.2, "%s + %s + %s is not %s" % (device, cpu, between, whole))
        told = [float(n) for n in re.findall(r"([0-9.]+) (?:us|on the|for)", table[3])]
        self.expect(told == [whole, device, cpu, between], "the table says %s, the picture %s" % (table[3], [whole, device, cpu, between]))
        rows = [line.split() for line in table[1:3]]
        for column, total in (-4, device), (-3, cpu):
            self.expect(abs(sum(float(row[column]) for row in rows) - total) <= 0.15, "%s do not add up to %s" % (rows, total))
        self.expect(abs(sum(float(row[-1]) for row in rows) - 100) <= 0.1, "shares of %s" % rows)
        # The longest bar is 560 wide: an operator's, or that of handing over.
        bars = [(r.getAttribute("fill"), float(r.getAttribute("width"))) for r in picture.getElementsByTagName("rect")[1:]]
        unit = 560 / max([between] + [float(row[-4]) + float(row[-3]) for row in rows])
        for colour, total in ("#2a6f97", device), ("#e07a3f", cpu), ("#bbb", between):
            width = sum(w for fill, w in bars if fill == colour)
            self.expect(abs(width - total * unit) <= 0.2 * unit + 0.005 * width, "bars %s are %g wide, not %g" % (colour, width, total * unit))

    def progress(self):
        """A bar on a terminal once a second has gone by, which is gone at the end; none in a file."""
        add_model("m.tflite")
        for rows in 1 << 15, 1 << 17, 1 << 19, 1 << 21:
            np.save("x.npy", np.ones((rows, 4), np.int8))
            ours, theirs = pty.openpty()
            start = time.monotonic()
            with subprocess.Popen([self.xq, "run", "m.tflite", "--input", "x.npy", "-o", "y.npy", "--device", "soft"], stderr=theirs) as p:
                os.close(theirs)
                shown = b""
                while True:
                    try:
                        shown += os.read(ours, 65536)
                    except OSError:
                        break
                os.close(ours)
            if shown or time.monotonic() - start > 20:
                break
        shown = shown.decode()
        self.expect(p.returncode == 0 and np.load("y.npy").shape[0] == rows, "exit status %s: %r" % (p.returncode, shown[-200:]))
        drawn = re.findall(r"\r(\w+) \[(#*)(\.*)\] +(\d+) %  (\d+) s ", shown)
        self.expect(drawn and shown.endswith("\r\033[K"), "shown: %r" % shown[-200:])
        for what, done, rest, share, _ in drawn:
            self.expect(what == "running" and len(done) + len(rest) == 40 and len(done) * 100 // 40 == int(share), "%s%s %s" % (done, rest, share))
        self.expect([int(d[3]) for d in drawn] == sorted(int(d[3]) for d in drawn), "shares: %s" % drawn)
        p = self.run("run", "m.tflite", "--input", "x.npy", "-o", "y.npy", "--device", "soft")
        self.expect(not p.stderr, "not a terminal: %r" % p.stderr[:200])

    def show(self):
        add_model("m.tflite", True)
        got = self.run("show", "m.tflite", "--device", "soft").stdout
        self.expect("  input    the input: s8 [1, 4], scale 0.5, zero point 0\n" in got, repr(got))
        got = self.json("show", "m.tflite", "--device", "soft")
        self.expect([o["type"] for o in got["operators"]] == ["ADD", "SUB"] and got["operators"][1]["where"] == "CPU", repr(got))
        self.expect(got["outputs"][0]["name"] == "difference" and got["inputs"][0]["scale"] == [0.5], repr(got))

    def what_it_refuses(self):
        add_model("m.tflite")
        words = ("run", "m.tflite", "-o", "y.npy", "--device", "soft")
        np.save("x.npy", np.zeros((2, 5), np.int8))
        self.refused(1, "input 0, the input, is s8 [1, 4], and [2, 5] does not fit (x.npy)", *words, "--input", "x.npy")
        np.save("x.npy", np.zeros((2, 4), np.uint8))
        self.refused(1, "input 0, the input, is s8 [1, 4] and not uint8 (x.npy)", *words, "--input", "x.npy")
        self.refused(1, "the model has 1 input, --input was given 0 times", *words)
        self.refused(1, "the model has 1 output, -o was given 2 times", *words, "-o", "z.npy", "--input", "x.npy")
        self.refused(1, "none.tflite: it can't be opened: No such file or directory", "run", "none.tflite", "-o", "y.npy")
        self.refused(2, "-o Y.npy is missing, or --labels, --top or --profile", "run", "m.tflite")
        self.refused(2, "--batch must be 1 to 1048576 (0)", *words, "--batch", "0")
        self.expect(not os.path.exists("y.npy"), "an output was left")

    def unaligned(self):
        """Constants of float32 that begin at any byte of the file, for operators that put them in another order and that don't."""
        rng = np.random.default_rng(1)
        x = rng.integers(-8, 8, (40, 40)).astype(np.float32)
        w = rng.integers(-8, 8, (40, 40)).astype(np.float32)
        wide = rng.integers(-8, 8, (40, 200)).astype(np.float32)
        np.save("x.npy", x)
        for i in range(4):
            name = "w" * (i + 1)
            for node, value, want in (
                    (onnx.node("MatMul", ["x", name], ["y"]), wide, x @ wide), (onnx.node("MatMul", ["x", name], ["y"]), w, x @ w),
                    (onnx.node("MatMul", [name, "x"], ["y"]), w, w @ x), (onnx.node("Add", ["x", name], ["y"]), w, x + w),
                    (onnx.node("Gemm", ["x", name], ["y"], transB=1), w, x @ w.T), (onnx.node("Gemm", [name, "x", name], ["y"]), w, w @ x + w)):
                onnx_model("m.onnx", [node], x.shape, want.shape, [constant(name, value)])
                self.run("run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft")
                self.expect(np.array_equal(np.load("y.npy"), want), "%d, %r" % (i, node))
        for i in range(4):
            name, kernel = "w" * (i + 1), w.reshape(40, 40, 1, 1)
            onnx_model("m.onnx", [onnx.node("Conv", ["x", name], ["y"])], (1, 40, 5, 8), (1, 40, 5, 8), [constant(name, kernel)])
            np.save("x.npy", x.reshape(1, 40, 5, 8))
            self.run("run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft")
            self.expect(np.array_equal(np.load("y.npy").reshape(40, 40), w @ x), "convolution %d" % i)

    def process(self, path):
        """Memory of a run by the plan, and the most that the process had."""
        return self.json("run", path, "--input", "x.npy", "--device", "soft")["memory"]

    def peak(self):
        """Weights once, as they are packed, and activations: no copy of weights that lie unaligned, no file, no image with its padding."""
        rng = np.random.default_rng(1)
        names, last, nodes, side = [], "flat", [], 1024

        def weights(*shape):
            names.append((("w%d" % len(names)) + "_" * (len(names) % 4), rng.standard_normal(shape, np.float32)))
            return names[-1][0]

        np.save("x.npy", np.zeros((1, 4), np.int8))
        before = self.process(add_model("m.tflite"))["process"]
        nodes += [onnx.node("Conv", ["x", weights(64, 3, 1, 1)], ["a"]),
                  onnx.node("Conv", ["a", weights(64, 1, 3, 3)], ["b"], group=64, pads=[1] * 4),
                  onnx.node("GlobalAveragePool", ["b"], ["c"]), onnx.node("Flatten", ["c"], ["flat"])]
        for i in range(5):
            nodes.append(onnx.node("Gemm", [last, weights(side, side if i else 64)], ["y" if i == 4 else "d%d" % i], transB=1))
            last = "d%d" % i
        onnx_model("m.onnx", nodes, (1, 3, 128, 128), (1, side), [constant(*n) for n in names])
        np.save("x.npy", np.zeros((1, 3, 128, 128), np.float32))
        got = self.process("m.onnx")
        packed = sum(w.nbytes for _, w in names)
        most = packed + 1.2 * got["live"] + 2 * got["inputs"] + (2 << 20)
        # Of a sanitizer the memory is another.
        self.expect("/asan/" in self.xq or before < got["process"] < before + most,
                    "%d bytes over %d, with %d of weights: %r" % (got["process"] - before, before, packed, got))
        self.expect("at its peak" in self.run("run", "m.onnx", "--input", "x.npy", "--device", "soft", "--profile").stdout, "the line")


if __name__ == "__main__":
    xq_case.main(Run, sys.argv[1:])
