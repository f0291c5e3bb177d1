#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq bench: what it reports, that its references know every geometry and type, and which option or variable is bad.

usage: test_xq_bench.py XQ.... Prints KTAP.
"""
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402

TYPES = ["s8", "u8", "s4", "u4", "s2", "u2", "t2", "b1"]
SOFT = ["--device", "soft", "--repeat", "1"]


class Bench(xq_case.Tests):
    names = ("gemm", "conv", "conv_text", "bad_options", "bad_variables")

    def measured(self, got, macs):
        self.expect(got["bit_exact"] is True and got["device"] == "soft" and got["seconds"] > 0 and got["bytes"] > 0, repr(got))
        self.expect(abs(got["gmac_per_s"] * got["seconds"] / (1e-9 * macs) - 1) < 1e-4, "speed is not products by time: %r" % got)
        self.expect(0 < got["device_seconds"] <= got["seconds"], "time on the device: %r" % got)

    def gemm(self):
        for a, b in zip(TYPES, [*TYPES[1:], "c4"]):
            m, n, k = (random.randint(1, 70) for _ in range(3))
            got = self.json("bench", "gemm", "--m", str(m), "--n", str(n), "--k", str(k), "--a-type", a, "--b-type", b, *SOFT)
            self.measured(got, m * n * k)
            self.expect((got["m"], got["n"], got["k"], got["rows_checked"]) == (m, n, k, m), repr(got))

    def conv(self):
        for x, w in zip(TYPES * 2, random.sample(TYPES, 8) + TYPES):
            groups = random.choice([1, 1, 2, 3])
            batch, channels, outputs = random.randint(1, 3), groups * random.randint(1, 4), groups * random.randint(1, 4)
            size, kernel, strides, dilations = ([random.randint(1, n) for _ in range(2)] for n in (9, 3, 3, 2))
            pads = [random.randint(0, 3) for _ in range(4)]
            layout = random.choice(["nchw", "nhwc"])
            out = [(size[i] + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1 for i in range(2)]
            if min(out) < 1:
                continue
            words = [word for name, value in [("batch", batch), ("channels", channels), ("outputs", outputs), ("groups", groups), ("size", size),
                                              ("kernel", kernel), ("strides", strides), ("dilations", dilations), ("pads", pads), ("layout", layout),
                                              ("x-type", x), ("w-type", w)]
                     for word in ("--" + name, ",".join(map(str, value)) if isinstance(value, list) else str(value))]
            got = self.json("bench", "conv", *words, *SOFT)
            count = batch * outputs * out[0] * out[1]
            self.measured(got, count * channels // groups * kernel[0] * kernel[1])
            self.expect(got["output"] == [batch, outputs, *out] and got["input"] == [batch, channels, *size] and got["kernel"] == kernel and
                        got["elements_checked"] == count and got["layout"] == layout and (got["x_type"], got["w_type"]) == (x, w), repr(got))

    def conv_text(self):
        got = self.run("bench", "conv", "--channels", "3", "--size", "8,9", "--outputs", "4", "--kernel", "3,1", *SOFT).stdout
        self.expect(re.fullmatch(r"soft s8 x s8, \[1, 3, 8, 9\] by 3 x 1 to \[1, 4, 6, 9\]: [\d.]+ ms \([\d.]+ on the device\), [\d.]+ GMAC/s, "
                                 r"216 of 216 elements checked: bit-exact\n", got), repr(got))

    def bad_options(self):
        gemm = ["bench", "gemm", "--device", "soft", "--m", "4", "--n", "4"]
        conv = ["bench", "conv", "--device", "soft", "--channels", "4", "--size", "5", "--outputs", "6"]
        for rc, sentence, words in [
                (2, "--m is missing", gemm[:4]), (2, "--k is missing", gemm), (2, "--k must be at least 1 (0)", [*gemm, "--k", "0"]),
                (2, "--n must be at least 1 (-4)", [*gemm[:7], "-4", "--k", "1"]), (1, "--k must be at most 16777216 on soft (99999999)", [*gemm, "--k", "99999999"]),
                (2, "--threads must be 1 to 1024 (0)", [*gemm, "--k", "1", "--threads", "0"]),
                (2, "--threads must be 1 to 1024 (1025)", [*gemm, "--k", "1", "--threads", "1025"]),
                (2, "--repeat must be at least 1 (0)", [*gemm, "--k", "1", "--repeat", "0"])]:
            self.refused(rc, sentence, *words, name="bench gemm")
        for rc, sentence, words in [
                (2, "--channels is missing", ["bench", "conv"]), (2, "--kernel is missing", conv), (2, "--groups must be at least 1 (0)", [*conv, "--kernel", "1", "--groups", "0"]),
                (1, "--kernel is larger than --size with --pads (7, 5)", [*conv, "--kernel", "7"]), (1, "--strides must be at least 1 (0)", [*conv, "--kernel", "1", "--strides", "0"]),
                (1, "--groups must divide --channels and --outputs (4, 4, 6)", [*conv, "--kernel", "3", "--groups", "4"]),
                (1, "--size takes one number, or 2 with commas between them (5,x)", ["bench", "conv", "--channels", "4", "--size", "5,x", "--outputs", "1", "--kernel", "1"]),
                (2, "--threads must be 1 to 1024 (1025)", [*conv, "--kernel", "1", "--threads", "1025"])]:
            self.refused(rc, sentence, *words, name="bench conv")

    def bad_variables(self):
        for variable, value, sentence in [
                ("XQ_THREADS", "many", r"cannot open soft: XQ_THREADS must be 1 to 1024 \(many\)"), ("XQ_THREADS", "0", r"cannot open soft: XQ_THREADS must be 1 to 1024 \(0\)"),
                ("XQ_ISA", "mmx", r"cannot open soft: XQ_ISA must be an instruction set of this processor: [a-z0-9, ]*scalar \(mmx\)"),
                ("XQACCEL_DEVICE", "/no/such", r"cannot open /no/such \(XQACCEL_DEVICE\): there is no such device; is the xqaccel module loaded \(modprobe xqaccel\)\?")]:
            os.environ[variable] = value
            device = [] if variable == "XQACCEL_DEVICE" else ["--device", "soft"]
            p = self.run("bench", "gemm", "--m", "1", "--n", "1", "--k", "1", *device, rc=1)
            self.expect(re.fullmatch("xq: bench gemm: %s\n" % sentence, p.stderr), repr(p.stderr))
            del os.environ[variable]


if __name__ == "__main__":
    xq_case.main(Bench, sys.argv[1:])
