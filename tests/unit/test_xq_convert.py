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
import xml.dom.minidom

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
    names = ("weights_and_biases", "normalization_is_folded", "near_the_float_model", "every_type_of_weights", "signs_and_tables",
             "groups", "columns", "codes_by_outputs", "budgets", "what_stays_float", "better_ranges", "picture", "operators_have_names_of_their_own",
             "narrow_activations", "bits", "mnist", "refusals")

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

    def noise(self, want, got):
        """Of outputs, as a part of their signal."""
        return sum((x - y) ** 2 for x, y in zip(want, got)) / sum(x * x for x in want)

    def with_weights(self, path, weights):
        """The small model, float, with other weights."""
        kept = self.w
        self.w = {**kept, **weights}
        nodes = [onnx.node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1]), onnx.node("Relu", ["c1"], ["r1"]),
                 onnx.node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
                 onnx.node("Conv", ["p1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1], group=6), onnx.node("Add", ["c2", "p1"], ["a"]),
                 onnx.node("GlobalAveragePool", ["a"], ["g"]), onnx.node("Flatten", ["g"], ["f"]),
                 onnx.node("Gemm", ["f", "w3", "b3"], ["y"], transB=1)]
        with open(path, "wb") as f:
            f.write(onnx.model(nodes, [onnx.value("x", onnx.FLOAT, ["n", 3, 8, 8])], [onnx.value("y", onnx.FLOAT, ["n", 4])],
                               [onnx.tensor(k, onnx.FLOAT, *self.w[k]) for k in ("w1", "w2", "w3", "b2", "b3")]))
        self.w = kept
        return path

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
            report = self.convert("--weights", kind, "--report", "--round", "value")
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

    def signs_and_tables(self):
        """What ONNX has no types for, decoded here and by xq run."""
        self.small(norm=False)
        self.convert("--weights", "b1", "--round", "value")
        _, nodes, constants = onnx.read("q.onnx")
        weights = {}
        for name, channel in ("w1", 27), ("w2", 9), ("w3", 6):
            shape, values = self.w[name]
            kind, _, bits = constants[name + "_quantized"]
            scales = constants[name + "_scale"][2]
            self.expect(kind == onnx.UINT8 and [bits[i // 8] >> i % 8 & 1 for i in range(len(values))] == [int(v >= 0) for v in values],
                        "signs of %s" % name)
            want = [sum(map(abs, values[c:c + channel])) / channel for c in range(0, len(values), channel)]
            self.expect(all(abs(s - w) <= 1e-6 * w for s, w in zip(scales, want)), "scales of %s: %s, %s" % (name, scales, want))
            weights[name] = (shape, [scales[i // channel] * (1 if v >= 0 else -1) for i, v in enumerate(values)])
        self.expect([n[0] for n in nodes].count("DequantizeBinary") == 3, "nodes %s" % nodes)
        want = self.outputs(self.with_weights("f.onnx", weights))
        noise = self.noise(want, self.outputs("q.onnx"))
        self.expect(noise < 5e-3, "b1: noise %g" % noise)
        self.convert("--weights", "c4", "--round", "value")
        _, nodes, constants = onnx.read("q.onnx")
        for name, channel in ("w1", 27), ("w2", 9), ("w3", 6):
            shape, values = self.w[name]
            kind, _, codes = constants[name + "_quantized"]
            table, scales = constants[name + "_table"][2], constants[name + "_scale"][2]
            self.expect(kind == onnx.UINT4 and len(table) == 16 and list(table) == sorted(table), "table of %s" % name)
            back = [scales[i // channel] * table[c] for i, c in enumerate(codes)]
            for i, v in enumerate(values):
                nearest = min(abs(v - scales[i // channel] * t) for t in table)
                self.expect(abs(v - back[i]) <= nearest + 1e-6, "%s: %g is %g, not the nearest entry" % (name, v, back[i]))
            weights[name] = (shape, back)
        want = self.outputs(self.with_weights("f.onnx", weights))
        noise = self.noise(want, self.outputs("q.onnx"))
        self.expect(noise < 1e-3, "c4: noise %g" % noise)

    def groups(self):
        """A scale for every two input channels, the last of three alone."""
        self.small(norm=False)
        self.convert("--granularity", "group:2", "--weights", "s4", "--round", "value", "--weight-method", "minmax")
        opset, _, constants = onnx.read("q.onnx")
        self.expect(opset == 21, "opset %d" % opset)
        shape, values = self.w["w1"]
        scales, codes = constants["w1_scale"], constants["w1_quantized"][2]
        self.expect(scales[1] == (6, 2, 3, 3), "scales %s" % (scales[1],))
        for i, v in enumerate(values):
            o, c, place = i // 27, i % 27 // 9, i % 9
            shared = [values[o * 27 + k * 9 + place] for k in ((0, 1) if c < 2 else (2,))]
            scale = f32(max(map(abs, shared)) / 7)
            self.expect(scales[2][(o * 2 + c // 2) * 9 + place] == scale and codes[i] == half_even(f32(v / scale)), "weight %d" % i)
        self.expect(constants["w3_scale"][1] == (4, 3), "scales %s" % (constants["w3_scale"][1],))
        want = self.outputs("m.onnx")
        noise = self.noise(want, self.outputs("q.onnx"))
        self.expect(noise < 0.05, "noise %g" % noise)
        self.convert("--granularity", "group:2", "--weights", "b1", "--round", "value")
        scales = onnx.read("q.onnx")[2]["w1_scale"][2]
        for i in range(len(values)):
            o, c, place = i // 27, i % 27 // 9, i % 9
            shared = [abs(values[o * 27 + k * 9 + place]) for k in ((0, 1) if c < 2 else (2,))]
            got, mean = scales[(o * 2 + c // 2) * 9 + place], sum(shared) / len(shared)
            self.expect(abs(got - mean) <= 1e-6 * mean, "b1: scale of weight %d is %g, not %g" % (i, got, mean))
        noise = {}
        for words in ("--round", "value"), ("--round", "output", "--no-bias-correction"):
            self.convert("--granularity", "group:2", "--weights", "s2", *words)
            noise[words[1]] = self.noise(want, self.outputs("q.onnx"))
        self.expect(noise["output"] < 0.7 * noise["value"], "s2: %s" % noise)

    def columns(self):
        """Weights whose output channels are columns."""
        w = numbers(24, 0.5)
        with open("m.onnx", "wb") as f:
            f.write(onnx.model([onnx.node("MatMul", ["x", "w"], ["y"], "product")], [onnx.value("x", onnx.FLOAT, ["n", 6])],
                               [onnx.value("y", onnx.FLOAT, ["n", 4])], [onnx.tensor("w", onnx.FLOAT, (6, 4), w)]))
        self.rows = numbers(40 * 6)
        save("x.npy", "<f4", (40, 6), self.rows)
        want = self.outputs("m.onnx")
        for words, blocks in ((), [range(6)]), (("--granularity", "group:4"), [range(4), range(4, 6)]):
            self.convert(*words)
            _, _, constants = onnx.read("q.onnx")
            shape, scales = constants["w_scale"][1:]
            self.expect(shape == ((4,) if not words else (2, 4)), "scales %s" % (shape,))
            for b, rows in enumerate(blocks):
                for n in range(4):
                    scale = f32(max(abs(w[k * 4 + n]) for k in rows) / 127)
                    self.expect(scales[b * 4 + n] == scale, "scale %d of column %d" % (b, n))
                    self.expect(all(constants["w_quantized"][2][k * 4 + n] == half_even(f32(w[k * 4 + n] / scale)) for k in rows),
                                "codes of column %d" % n)
            noise = self.noise(want, self.outputs("q.onnx"))
            self.expect(noise < 1e-3, "%s: noise %g" % (words, noise))
        noise = {}
        for words in ("--round", "value"), ("--round", "output"):
            self.convert("--weights", "s2", *words)
            noise[words[1]] = self.noise(want, self.outputs("q.onnx"))
        self.expect(noise["output"] < noise["value"], "s2: %s" % noise)

    def codes_by_outputs(self):
        """Narrow weights that are chosen by outputs lose less there, and the mean error of an output goes into its bias."""
        want = self.outputs(self.small())
        for kind in "s4", "t2", "b1", "c4":
            noise, mean = {}, {}
            for words in ("--round", "value"), ("--round", "output", "--no-bias-correction"), ("--round", "output"):
                self.convert("--weights", kind, *words)
                got = self.outputs("q.onnx")
                noise[words] = self.noise(want, got)
                mean[words] = sum(abs(sum(got[c::4]) - sum(want[c::4])) for c in range(4)) / 40
            by_value, uncorrected, by_output = noise
            self.expect(noise[by_output] < 0.7 * noise[by_value], "%s: %s" % (kind, noise))
            self.expect(mean[by_output] < 0.6 * mean[uncorrected], "%s: %s" % (kind, mean))

    def budgets(self):
        self.small()
        small = self.convert("--weights", "s4", "--report")
        limit = sum(l["bytes"] for l in small["layers"])
        report = self.convert("--budget-bytes", str(limit), "--report")
        points = report["points"]
        chosen = [p for p in points if p["chosen"]]
        self.expect(len(chosen) == 1 and chosen[0]["bytes"] <= limit and chosen[0]["frontier"], "chosen %s" % chosen)
        self.expect(sum(l["bytes"] for l in report["layers"]) == chosen[0]["bytes"], "bytes of layers %s" % report["layers"])
        self.expect([l["weights_type"] for l in report["layers"]] == chosen[0]["weights_types"], "types of layers")
        fitting = [p for p in points if p["bytes"] <= limit]
        self.expect(chosen[0]["output_snr_db"] == max(p["output_snr_db"] for p in fitting), "a better one fits")
        uniform = [p for p in points if p["uniform"]]
        self.expect(sorted(p["weights_types"][0] for p in uniform) == ["b1", "s4", "s8", "t2"], "uniform %s" % uniform)
        for u in uniform:
            self.expect(any(p["frontier"] and p["bytes"] <= u["bytes"] and p["output_snr_db"] >= u["output_snr_db"] for p in points),
                        "nothing on the frontier is as good as %s" % u)
        for p in points:
            better = [q for q in points if q["bytes"] < p["bytes"] and q["output_snr_db"] > p["output_snr_db"]]
            self.expect(not (p["frontier"] and better), "%s is on the frontier, and %s is better" % (p, better))
        mixed = [p for p in points if not p["uniform"]]
        on = sum(p["frontier"] for p in mixed)
        self.expect(on >= 0.6 * len(mixed), "only %d of %d assignments are on the frontier" % (on, len(mixed)))
        _, nodes, constants = onnx.read("q.onnx")
        kinds = {"s8": onnx.INT8, "s4": onnx.INT4, "t2": onnx.INT2, "b1": onnx.UINT8}
        for stem, l in zip(("w1_folded", "w2", "w3"), report["layers"]):
            self.expect(constants[stem + "_quantized"][0] == kinds[l["weights_type"]], "%s is not %s" % (stem, l["weights_type"]))
        report = self.convert("--budget-ms", "10000", "--report")
        self.expect([l["weights_type"] for l in report["layers"]] == ["s8"] * 3, "with all the time: %s" % report["layers"])
        self.expect(all(p["ms"] > 0 for p in report["points"]), "no time: %s" % report["points"])
        table = self.run("convert", "m.onnx", "-o", "q.onnx", "--calibrate", "x.npy", "--budget-bytes", str(limit), "--device", "soft").stdout
        self.expect(" chosen " in table and " all: s8\n" in table and "mixed: " in table, table)

    def picture(self):
        self.small()
        self.run("convert", "m.onnx", "p.svg", "-o", "q.onnx", "--calibrate", "x.npy", "--report", "--device", "soft")
        drawn = xml.dom.minidom.parse("p.svg").documentElement
        texts = ["".join(n.data for n in t.childNodes if n.nodeType == n.TEXT_NODE) for t in drawn.getElementsByTagName("text")]
        for name in "first", "second", "third":
            self.expect(sum(t.endswith(" " + name) for t in texts) == 1, "%s in %s" % (name, texts))
        self.expect(sum("dB" in t for t in texts) == 3, "losses in %s" % texts)
        widths = [float(r.getAttribute("width")) for r in drawn.getElementsByTagName("rect")[1:]]
        report = self.convert("--report")
        size = [l[k] for l in report["layers"] for k in ("float_bytes", "bytes")]
        self.expect(len(widths) == 6 and all(abs(w / max(widths) - s / max(size)) < 1e-3 for w, s in zip(widths, size)), "bars %s" % widths)

    def what_stays_float(self):
        self.small()
        report = self.convert("--exclude", "second", "--exclude", "y", "--report")
        _, nodes, constants = onnx.read("q.onnx")
        self.expect("w2" in constants and "w3" in constants and "w2_quantized" not in constants, "weights %s" % sorted(constants))
        self.expect([l["excluded"] for l in report["layers"]] == [False, True, True], "%s" % report)
        self.expect(report["layers"][1]["output_snr_db"] is None, "%s" % report["layers"][1])
        self.outputs("q.onnx")

    def operators_have_names_of_their_own(self):
        """Where operators of the file are called as their outputs: ONNX Runtime refuses a file with two of one name."""
        self.small()
        nodes = [onnx.node("Conv", ["x", "w1"], ["c1"], "c1"), onnx.node("Relu", ["c1"], ["r1"], "r1"),
                 onnx.node("GlobalAveragePool", ["r1"], ["g"], "g"), onnx.node("Flatten", ["g"], ["f"], "f"),
                 onnx.node("MatMul", ["f", "w4"], ["y"], "y")]
        with open("names.onnx", "wb") as f:
            f.write(onnx.model(nodes, [onnx.value("x", onnx.FLOAT, ["n", 3, 8, 8])], [onnx.value("y", onnx.FLOAT, ["n", 4])],
                               [onnx.tensor("w1", onnx.FLOAT, *self.w["w1"]), onnx.tensor("w4", onnx.FLOAT, (6, 4), numbers(24))]))
        self.convert(path="names.onnx")
        with open("q.onnx", "rb") as f:
            graph = onnx.fields(onnx.fields(f.read())[7][0])
        names = [onnx.fields(n)[3][0].decode() for n in graph[1]]
        self.expect(len(names) > 10 and len(set(names)) == len(names), "%s" % names)

    def codes(self, names):
        """What is in tensors of q.onnx on the rows of x.npy: the model gets them as outputs."""
        with open("q.onnx", "rb") as f:
            whole = f.read()
        more = b"".join(onnx.field(7, onnx.field(12, onnx.field(1, n))) for n in names)
        with open("codes.onnx", "wb") as f:
            f.write(whole + more)  # what a message has twice is merged
        words = [w for i in range(len(names) + 1) for w in ("-o", "c%d.npy" % i)]
        self.run("run", "codes.onnx", "--input", "x.npy", *words, "--device", "soft")
        return [load("c%d.npy" % (i + 1))[2] for i in range(len(names))]

    def narrow_activations(self):
        """4 bits: codes, scales, on the device, and the file's ends have 8."""
        self.small()
        want = self.outputs("m.onnx")
        self.convert("--activations", "s4")
        _, nodes, constants = onnx.read("q.onnx")
        noise = self.noise(want, self.outputs("q.onnx"))
        self.expect(noise < 0.1, "noise %g" % noise)
        clips = [n for n in nodes if n[0] == "Clip"]
        # Of two convolutions and the sum.
        self.expect(len(clips) == 3, "%d activations are narrow" % len(clips))
        for name, range_ in ("x", 255), ("r1", 15), ("g", 255):
            scale, zero = constants[name + "_scale"][2][0], constants[name + "_zero_point"]
            self.expect(zero[0] == onnx.INT8, "%s: zero point of type %d" % (name, zero[0]))
            if name == "x":
                size = f32(max(self.rows) - min(self.rows))
                self.expect(scale == f32(size / range_), "scale of x")
            if name == "r1":
                self.expect(zero[2][0] == -8, "zero point of r1: %s" % zero[2])
                low, high = constants["r1_low"][2][0], constants["r1_high"][2][0]
                self.expect((low, high) == (0, f32(15 * scale)), "r1: %g to %g" % (low, high))
        # Larger than what was seen, so that there is something to cut off.
        save("x.npy", "<f4", (40, 3, 8, 8), [f32(4 * x) for x in self.rows])
        names = "r1", "c2", "a"
        for name, got in zip(names, self.codes([n + "_quantized" for n in names])):
            self.expect(min(got) == -8 and max(got) == 7 and len(set(got)) > 8,
                        "%s: codes %s" % (name, sorted(set(got))))
        shown = self.json("show", "q.onnx", "--device", "soft")["operators"]
        places = {o["type"]: o["where"] for o in shown}
        device = all(places[k] == "device" for k in ("Conv", "Add", "GlobalAveragePool", "Gemm"))
        self.expect(device and "Clip" not in places, "where: %s" % places)

    def bits(self):
        self.small()
        self.convert("--activations", "b1")
        _, _, constants = onnx.read("q.onnx")
        r1, c2, a = self.codes(["r1_quantized", "c2_quantized", "a_quantized"])
        for name, got in ("r1", r1), ("c2", c2), ("a", a):
            self.expect(set(got) == {-1, 1}, "%s: codes %s" % (name, sorted(set(got))))
        # Nothing of a Relu is below 0: codes are 0 and the mean size of what is not 0.
        zeros = [constants[n + "_zero_point"][2][0] for n in ("r1", "c2")]
        self.expect(zeros == [-1, 0], "zero points %s" % zeros)
        levels = [constants["c2_" + n][2][0] for n in ("low", "high", "scale")]
        self.expect(levels[1] == levels[2] == -levels[0], "levels of c2: %s" % levels)

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
        self.refused(2, "--granularity is tensor, channel or group:G, not group:0", *base, "--calibrate", "x.npy", "--granularity", "group:0")
        self.refused(2, "a budget must be above 0", *base, "--calibrate", "x.npy", "--budget-bytes", "0")
        self.refused(2, "--weights is for all layers, a budget finds a type for each", *base, "--calibrate", "x.npy", "--budget-bytes", "9",
                     "--weights", "s4")
        self.refused(2, "there is one model, and with --report one picture (p.svg)", *base, "p.svg", "--calibrate", "x.npy")
        p = self.run(*base, "--calibrate", "x.npy", "--budget-bytes", "9", rc=1)
        self.expect("the smallest that can be made has " in p.stderr and p.stderr.count("\n") == 1, p.stderr)
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
