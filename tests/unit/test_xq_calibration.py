#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq convert: no method that ranges are found by loses more than min-max on what it was calibrated with.

Squared errors are computed here, from the scales in the file and what the float model makes of the rows.

usage: test_xq_calibration.py XQ... Prints KTAP. Needs nothing but Python; a whole network and images through XQ_VECTORS.
"""
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from graph_file import Graph  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

VECTORS = os.path.abspath(os.environ.get("XQ_VECTORS", "../shared"))
METHODS = ("mse", "percentile:99.9", "percentile:90", "percentile:55", "kl", "laplace", "gauss", "ema:0.01", "ema:0.5")
CODES = {"u8": (0, 255), "s8": (-128, 127), "s4": (-8, 7), "s2": (-2, 1)}
ROWS = 12


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def spread(kind, n):
    """Values as activations and weights may lie."""
    if kind == "outliers":
        return [f32(random.gauss(0, 1) * (60 if random.random() < 0.004 else 1)) for _ in range(n)]
    if kind == "one-sided":
        return [f32(random.expovariate(2)) for _ in range(n)]
    if kind == "few":
        return [f32(random.choice((0, 0, 0, 0.25, -3.0))) for _ in range(n)]
    return [f32(random.uniform(-2, 5)) for _ in range(n)]


def error(values, scale, zero, low, high):
    return sum((x - scale * (min(max(round(f32(x / scale)) + zero, low), high) - zero)) ** 2 for x in values)


class Tests(Base):
    names = ("activations_of_random_networks", "weights_of_random_networks", "a_whole_network")

    def network(self, kind):
        self.w = {"w1": ((4, 2, 3, 3), spread(kind, 72)), "b1": ((4,), spread("even", 4)), "w2": ((5, 4), spread(kind, 20))}
        nodes = [onnx.node("Conv", ["x", "w1", "b1"], ["c"], "first", pads=[1, 1, 1, 1]), onnx.node("Relu", ["c"], ["r"]),
                 onnx.node("GlobalAveragePool", ["r"], ["g"]), onnx.node("Flatten", ["g"], ["f"]),
                 onnx.node("Gemm", ["f", "w2"], ["y"], "second", transB=1)]
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, [onnx.value("x", onnx.FLOAT, ["n", 2, 6, 6])], [onnx.value("y", onnx.FLOAT, ["n", 5])],
                               [onnx.tensor(k, onnx.FLOAT, *self.w[k]) for k in self.w]))
        self.rows = spread(kind, ROWS * 72)
        save("x.npy", "<f4", (ROWS, 2, 6, 6), self.rows)

    def convert(self, *words):
        self.json("convert", "m.onnx", "-o", "q.onnx", "--calibrate", "x.npy", "--device", "soft", *words)
        return onnx.read("q.onnx")[2]

    def values(self, constants):
        """What the float model has in tensors that are quantized, by name."""
        names = [k[:-len("_zero_point")] for k in constants if k.endswith("_zero_point")]
        inner = [n for n in names if n not in ("x", "y")]
        with open("m.onnx", "rb") as f:
            whole = f.read()
        with open("seen.onnx", "wb") as f:
            f.write(whole + b"".join(onnx.field(7, onnx.field(12, onnx.field(1, n))) for n in inner))
        words = [w for i in range(len(inner) + 1) for w in ("-o", "v%d.npy" % i)]
        self.run("run", "seen.onnx", "--input", "x.npy", *words, "--device", "soft")
        got = {n: load("v%d.npy" % (i + 1))[2] for i, n in enumerate(inner)}
        return {"x": self.rows, "y": load("v0.npy")[2], **{n: got[n] for n in inner}}

    def compare(self, what, words, activations):
        """Every activation under every method, beside min-max."""
        least = self.convert(*words, "--method", "minmax")
        values, narrower = self.values(least), 0
        names = [n for n in values if n + "_scale" in least and n + "_zero_point" in least]
        self.expect(len(names) >= 4, "%s: only %s are quantized" % (what, names))

        def of(constants, name):
            narrow = name + "_low" in constants  # less than 8 bits: codes are in 8
            return error(values[name], constants[name + "_scale"][2][0], constants[name + "_zero_point"][2][0],
                         *CODES[activations if narrow or activations != "s4" else "s8"])

        before = {n: of(least, n) for n in names}
        for method in METHODS:
            got = self.convert(*words, "--method", method)
            for n in names:
                after = of(got, n)
                narrower += got[n + "_scale"] != least[n + "_scale"]
                self.expect(after <= before[n] * (1 + 1e-6), "%s, %s: %s loses %g, min-max %g" % (what, method, n, after, before[n]))
        return narrower

    def activations_of_random_networks(self):
        narrower = 0
        for kind, activations in ("outliers", "u8"), ("outliers", "s4"), ("one-sided", "s4"), ("few", "u8"), ("even", "s8"):
            self.network(kind)
            narrower += self.compare("%s as %s" % (kind, activations), ["--activations", activations], activations)
        # Else nothing was compared but min-max with itself.
        self.expect(narrower > 20, "other ranges than min-max were taken %d times" % narrower)

    def weights_of_random_networks(self):
        taken = 0
        for kind, weights, shared in ("outliers", "s8", "tensor"), ("outliers", "s4", "channel"), ("one-sided", "s2", "channel"), \
                ("few", "s4", "tensor"), ("even", "s4", "group:2"):
            self.network(kind)
            words = ["--weights", weights, "--granularity", shared, "--round", "value"]
            most = {"s8": 127, "s4": 7, "s2": 1}[weights]

            def errors(constants, name):
                """Of each scale, over the weights that have it."""
                shape, values = self.w[name]
                scales, codes = constants[name + "_scale"], constants[name + "_quantized"][2]
                sums = [0.0] * len(scales[2])
                inner, channels = math.prod(shape[2:]), shape[1]
                for i, (v, q) in enumerate(zip(values, codes)):
                    at = 0
                    if len(scales[1]) == 1:
                        at = i // (channels * inner)
                    elif scales[1]:
                        at = i // (channels * inner) * scales[1][1] * inner + i // inner % channels // 2 * inner + i % inner
                    self.expect(abs(q) <= most, "%s: code %d of %s" % (name, q, weights))
                    sums[at] += (v - scales[2][at] * q) ** 2
                return sums

            least = self.convert(*words, "--weight-method", "minmax")
            for method in METHODS:
                got = self.convert(*words, "--weight-method", method)
                for name in "w1", "w2":
                    taken += got[name + "_scale"] != least[name + "_scale"]
                    for a, b in zip(errors(got, name), errors(least, name)):
                        self.expect(a <= b * (1 + 1e-6), "%s %s, %s: %s loses %g, min-max %g" % (kind, words, method, name, a, b))
        self.expect(taken > 10, "other scales than those of min-max were taken %d times" % taken)

    def a_whole_network(self):
        """ResNet8, with two images of CIFAR-10."""
        folder, images = (os.path.join(VECTORS, p) for p in ("models/float/pretrainedResnet", "datasets/cifar10/calib500_images.npy"))
        if not os.path.isdir(folder) or not os.path.exists(images):
            return "there is no %s" % folder
        Graph(folder).write("m.onnx")
        _, shape, values = load(images)
        self.rows = [float(v) for v in values[:2 * 3072]]
        save("x.npy", "<f4", (2,) + tuple(shape[1:]), self.rows)
        self.compare("ResNet8", [], "u8")
        return None


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
