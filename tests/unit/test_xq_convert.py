#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq convert: what it makes of a small model, number by number, how near that is to the model, and what must be refused.

usage: test_xq_convert.py XQ..., for instance with and without sanitizers. Prints KTAP. Needs nothing but Python; MNIST through XQ_VECTORS.
"""
import gzip
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

VECTORS = os.path.abspath(os.environ.get("XQ_VECTORS", "../shared"))


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def numbers(n, scale=1.0):
    return [f32(random.gauss(0, scale)) for _ in range(n)]


def half_even(x):
    return int(x) if x == int(x) else round(x)


class Tests(Base):
    names = ("weights_and_biases", "normalization_is_folded", "near_the_float_model", "every_type_of_weights", "what_stays_float",
             "better_ranges", "mnist", "refusals")

    def small(self, path="m.onnx", opset=13, norm=True, last="Gemm"):
        """Convolution, normalization, pool, depthwise convolution, sum, mean, product."""
        self.w = {"w1": ((6, 3, 3, 3), numbers(162, 0.3)), "w2": ((6, 1, 3, 3), numbers(54, 0.3)), "b2": ((6,), numbers(6)),
                  "w3": ((4, 6), numbers(24, 0.5)), "b3": ((4,), numbers(4)), "s": ((6,), [f32(random.uniform(0.5, 2)) for _ in range(6)]),
                  "o": ((6,), numbers(6)), "m": ((6,), numbers(6)), "v": ((6,), [f32(random.uniform(0.2, 3)) for _ in range(6)])}
        nodes = [onnx.node("Conv", ["x", "w1"], ["c1"], "first", pads=[1, 1, 1, 1])]
        nodes += [onnx.node("BatchNormalization", ["c1", "s", "o", "m", "v"], ["n1"], epsilon=1e-3)] if norm else []
        nodes += [onnx.node("Relu", ["n1" if norm else "c1"], ["r1"]),
                  onnx.node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
                  onnx.node("Conv", ["p1", "w2", "b2"], ["c2"], "second", pads=[1, 1, 1, 1], group=6),
                  onnx.node("Add", ["c2", "p1"], ["a"]), onnx.node("GlobalAveragePool", ["a"], ["g"]),
                  onnx.node("Flatten", ["g"], ["f"]),
                  onnx.node(last, ["f", "w3", "b3"] if last == "Gemm" else ["f"], ["y"], "third", **({"transB": 1} if last == "Gemm" else {}))]
        # Some constants are nodes, as some exporters have them.
        kept = [k for k in self.w if norm or k not in "somv"]
        nodes = [onnx.node("Constant", [], [k], value=onnx.tensor("", onnx.FLOAT, *self.w[k])) for k in kept if k in ("w2", "o")] + nodes
        with open(path, "wb") as f:
            f.write(onnx.model(nodes, [onnx.value("x", onnx.FLOAT, ["n", 3, 8, 8])], [onnx.value("y", onnx.FLOAT, ["n", 4])],
                               [onnx.tensor(k, onnx.FLOAT, *self.w[k]) for k in kept if k not in ("w2", "o")], opset))
        self.rows = numbers(40 * 192)
        save("x.npy", "<f4", (40, 3, 8, 8), self.rows)
        return path

    def convert(self, *words, path="m.onnx"):
        return self.json("convert", path, "-o", "q.onnx", "--calibrate", "x.npy", "--device", "soft", *words)

    def outputs(self, path):
        self.run("run", path, "--input", "x.npy", "-o", "y.npy", "--device", "soft")
        return load("y.npy")[2]

    def quantized(self, values, channel):
        """Scales and codes of rows of so many weights, and of a constant of the file."""
        scales, codes = [], []
        for c in range(len(values) // channel):
            row = values[c * channel:(c + 1) * channel]
            scales.append(f32(max(map(abs, row)) / 127))
            codes += [half_even(f32(x / scales[-1])) for x in row]
        return scales, codes

    def weights_and_biases(self):
        self.small(norm=False)
        self.convert()
        opset, nodes, constants = onnx.read("q.onnx")
        self.expect(opset == 13, "opset %d" % opset)
        for name, channel in ("w1", 27), ("w2", 9), ("w3", 6):
            scales, codes = self.quantized(self.w[name][1], channel)
            kind, shape, got = constants[name + "_quantized"]
            self.expect((kind, shape) == (onnx.INT8, self.w[name][0]), "%s: type %d %s" % (name, kind, shape))
            self.expect(list(got) == codes, "codes of %s" % name)
            self.expect(list(constants[name + "_scale"][2]) == scales, "scales of %s" % name)
        for bias, weights, tensor in ("b2", "w2", "p1"), ("b3", "w3", "f"):
            s = constants[tensor + "_scale"][2][0]
            product = [f32(s * w) for w in constants[weights + "_scale"][2]]
            self.expect(list(constants[bias + "_scale"][2]) == product, "scales of %s" % bias)
            self.expect(list(constants[bias + "_quantized"][2]) == [half_even(b / p) for b, p in zip(self.w[bias][1], product)],
                        "codes of %s" % bias)
        # What only moves elements keeps the scale of what it moves.
        self.expect(constants["p1_scale"] == constants["r1_scale"] and constants["f_scale"] == constants["g_scale"], "scales of moves")
        low, high = min(self.rows + [0]), max(self.rows + [0])
        scale = f32(f32(high - low) / 255)
        self.expect(constants["x_scale"][2][0] == scale, "scale of the input")
        self.expect(constants["x_zero_point"][2][0] == half_even(f32(-low / scale)), "zero point of the input")
        kinds = [n[0] for n in nodes]
        self.expect(kinds.count("QuantizeLinear") == 8, "%d activations" % kinds.count("QuantizeLinear"))
        self.expect("w1" not in constants, "float weights are left")

    def normalization_is_folded(self):
        self.small()
        self.convert("--exclude", "second", "--exclude", "third")
        _, nodes, constants = onnx.read("q.onnx")
        self.expect("BatchNormalization" not in [n[0] for n in nodes], "a normalization is left")
        w = self.w
        folded, bias = [], []
        for c in range(6):
            factor = w["s"][1][c] / math.sqrt(w["v"][1][c] + f32(1e-3))
            folded += [f32(x * factor) for x in w["w1"][1][c * 27:(c + 1) * 27]]
            bias.append(f32((0 - w["m"][1][c]) * factor + w["o"][1][c]))
        scales, codes = self.quantized(folded, 27)
        name = next(k for k in constants if k.startswith("w1_folded") and k.endswith("_quantized") and "bias" not in k)
        self.expect(list(constants[name][2]) == codes, "folded weights")
        product = [f32(constants["x_scale"][2][0] * s) for s in scales]
        name = next(k for k in constants if k.startswith("w1_folded_bias") and k.endswith("_quantized"))
        self.expect(list(constants[name][2]) == [half_even(b / p) for b, p in zip(bias, product)], "folded bias")

    def near_the_float_model(self):
        want = self.outputs(self.small())
        report = self.convert("--report")
        got = self.outputs("q.onnx")
        signal, noise = sum(x * x for x in want), sum((x - y) ** 2 for x, y in zip(want, got))
        self.expect(len(got) == len(want) and 10 * math.log10(signal / noise) > 30, "signal %g, noise %g" % (signal, noise))
        self.expect([l["name"] for l in report["layers"]] == ["first", "second", "third"], "layers %s" % report["layers"])
        last = report["layers"][-1]
        self.expect(abs(last["output_snr_db"] - 10 * math.log10(signal / noise)) < 1e-3, "the report says %g" % last["output_snr_db"])
        self.expect(last["bytes"] == 24 + 4 * 4 + 4 * 4 and last["float_bytes"] == 28 * 4, "bytes %s" % last)
        table = self.run("convert", "m.onnx", "-o", "q.onnx", "--calibrate", "x.npy", "--report", "--device", "soft").stdout
        self.expect(table.count("\n") == 5 and "second" in table, table)

    def every_type_of_weights(self):
        want = self.outputs(self.small())
        before = math.inf
        for kind, code, opset, greatest, bits in ("s8", onnx.INT8, 13, 127, 8), ("s4", onnx.INT4, 21, 7, 4), ("s2", onnx.INT2, 25, 1, 2), \
                ("t2", onnx.INT2, 25, 1, 2):
            report = self.convert("--weights", kind, "--report")
            have, _, constants = onnx.read("q.onnx")
            self.expect(have == opset, "%s: opset %d" % (kind, have))
            codes = constants["w2_quantized"]
            self.expect(codes[0] == code and max(map(abs, codes[2])) == greatest, "%s: %s" % (kind, codes))
            self.expect(report["layers"][1]["bytes"] == (54 * bits + 7) // 8 + 6 * 4 + 6 * 4, "%s: %s" % (kind, report["layers"][1]))
            got = self.outputs("q.onnx")
            noise = sum((x - y) ** 2 for x, y in zip(want, got))
            self.expect(noise < sum(x * x for x in want), "%s: noise %g" % (kind, noise))
            self.expect(report["layers"][1]["weight_snr_db"] < before or kind == "t2", "%s is better than the wider type" % kind)
            before = report["layers"][1]["weight_snr_db"]
        self.convert("--activations", "s8", "--granularity", "tensor")
        _, _, constants = onnx.read("q.onnx")
        self.expect(constants["w1_folded_scale"][1] == () and constants["x_zero_point"][0] == onnx.INT8, "one scale, s8")
        self.outputs("q.onnx")

    def what_stays_float(self):
        self.small()
        report = self.convert("--exclude", "second", "--exclude", "y", "--report")
        _, nodes, constants = onnx.read("q.onnx")
        self.expect("w2" in constants and "w3" in constants and "w2_quantized" not in constants, "weights %s" % sorted(constants))
        self.expect([l["excluded"] for l in report["layers"]] == [False, True, True], "%s" % report)
        self.expect(report["layers"][1]["output_snr_db"] is None, "%s" % report["layers"][1])
        self.outputs("q.onnx")

    def better_ranges(self):
        """Outliers spoil the range from least to greatest, and no other method may be worse on what it saw."""
        self.small()
        for i in range(0, len(self.rows), 701):
            self.rows[i] = f32(40.0)
        save("x.npy", "<f4", (40, 3, 8, 8), self.rows)
        noise = {}
        for method in "minmax", "mse", "percentile:99.9", "kl", "laplace", "gauss":
            self.convert("--method", method)
            _, _, constants = onnx.read("q.onnx")
            s, z = constants["x_scale"][2][0], constants["x_zero_point"][2][0]
            noise[method] = sum((x - s * (min(max(half_even(f32(x / s)) + z, 0), 255) - z)) ** 2 for x in self.rows)
        for method in "mse", "laplace", "gauss":
            self.expect(noise[method] <= noise["minmax"] * (1 + 1e-6), "%s: %g, minmax: %g" % (method, noise[method], noise["minmax"]))

    def mnist(self):
        images, labels, source = (os.path.join(VECTORS, p) for p in ("datasets/mnist/t10k-images-idx3-ubyte.gz",
                                  "datasets/mnist/t10k-labels-idx1-ubyte.gz", "models/float/mnist-8.onnx"))
        if not all(map(os.path.exists, (images, labels, source))):
            return
        pixels, classes = gzip.open(images).read()[16:], gzip.open(labels).read()[8:]
        save("cal.npy", "<f4", (50, 1, 28, 28), [float(v) for v in pixels[:50 * 784]])
        save("e.npy", "<f4", (200, 1, 28, 28), [float(v) for v in pixels[50 * 784:250 * 784]])
        save("l.npy", "|u1", (200,), list(classes[50:250]))
        for kind, fewer, ratio in ("s8", 1, 3.8), ("s4", 3, 7.4):
            report = self.json("convert", source, "-o", "q.onnx", "--calibrate", "cal.npy", "--weights", kind, "--report",
                               "--evaluate", "e.npy", "--labels", "l.npy", "--device", "soft")
            self.expect(len(report["layers"]) == 3 and report["rows"] == 200, "%s" % report)
            self.expect(report["top1"] >= report["float_top1"] - fewer and report["float_top1"] > 190,
                        "%s: %d of 200 right, in float %d" % (kind, report["top1"], report["float_top1"]))
            size, whole = (sum(l[k] for l in report["layers"]) for k in ("bytes", "float_bytes"))
            self.expect(whole / size > ratio, "%s: %d of %d bytes" % (kind, size, whole))

    def refusals(self):
        self.small()
        base = ["convert", "m.onnx", "-o", "q.onnx", "--device", "soft"]
        self.refused(2, "--calibrate X.npy is missing", *base)
        self.refused(2, "-o OUT.onnx is missing", "convert", "m.onnx", "--calibrate", "x.npy")
        self.refused(2, "--evaluate and --labels belong together", *base, "--calibrate", "x.npy", "--evaluate", "x.npy")
        self.refused(1, "m.onnx: there is no layer nobody to exclude", *base, "--calibrate", "x.npy", "--exclude", "nobody")
        self.refused(1, "m.onnx: the model has no Conv, Gemm or MatMul with constant float weights that is not excluded", *base,
                     "--calibrate", "x.npy", "--exclude", "first", "--exclude", "second", "--exclude", "third")
        save("bad.npy", "<f4", (2, 3, 8, 7), [0.0] * 336)
        self.refused(1, "input 0, x, is f32 [?, 3, 8, 8], and [2, 3, 8, 7] is not so many rows (bad.npy)", *base, "--calibrate", "bad.npy")
        save("bad.npy", "|u1", (1, 3, 8, 8), [0] * 192)
        self.refused(1, "input 0, x, is f32 [?, 3, 8, 8] and not uint8 (bad.npy)", *base, "--calibrate", "bad.npy")
        save("bad.npy", "<f4", (1, 3, 8, 8), [math.nan] * 192)
        self.refused(1, "m.onnx: activation x has an element that is not finite", *base, "--calibrate", "bad.npy")
        self.small("old.onnx", opset=11, last="Softmax")
        self.refused(1, "old.onnx: integers of this type need opset 13, where Softmax may not mean what it means in opset 11 of this file",
                     "convert", "old.onnx", "-o", "q.onnx", "--calibrate", "x.npy", "--device", "soft")
        with open("m.onnx", "rb") as f:
            whole = f.read()
        for length in range(0, len(whole), 97):
            with open("cut.onnx", "wb") as f:
                f.write(whole[:length])
            p = self.run("convert", "cut.onnx", "-o", "q.onnx", "--calibrate", "x.npy", "--device", "soft", rc=1)
            self.expect(p.stderr.count("\n") == 1, p.stderr)
        self.expect(not os.path.exists("q.onnx"), "a file was left")


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
