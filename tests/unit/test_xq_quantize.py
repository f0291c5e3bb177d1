#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq quantize of files of every type and size: memory, pieces, short groups, several inputs.

usage: test_xq_quantize.py XQ.... Prints KTAP.

Memory is limited by RLIMIT_DATA, which counts what a process allocates and maps writable for itself, but not
files: what the kernel can drop when it needs the room. The peak of resident pages is measured too where the work is done in pieces.
"""
import json
import math
import os
import random
import resource
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import load, save  # noqa: E402

MIB = 1 << 20


def large(path, dtype, shape):
    """A large file of repeated random floats with a ramp, made quickly."""
    width = int(dtype[-1])
    count = math.prod(shape)
    text = str({"descr": dtype, "fortran_order": False, "shape": tuple(shape)})
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    period = 1 << 16
    chunk = struct.pack("<%d%s" % (period, xq_case.CODES[dtype]), *[random.gauss(0, 1) for _ in range(period)])
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode())
        for _ in range(count // period):
            f.write(chunk)
    return count * width


class Quantize(xq_case.Tests):
    names = ("memory", "memory_of_pieces", "pieces_are_the_whole", "bounded_calibration", "short_groups", "report_of_tables", "several_inputs", "what_several_refuse",
             "an_empty_input")

    def limited(self, limit, *words):
        """Under a limit of allocated memory."""
        p = subprocess.run(["env", "MALLOC_ARENA_MAX=1", self.xq, *words], capture_output=True, text=True, check=False,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
        self.expect(p.returncode == 0, "xq %s: %d %s" % (" ".join(words), p.returncode, p.stderr.strip()))

    def memory(self):
        """No more than N / 4 + 64 MiB, whatever the scheme; a sanitizer's shadow is not ours."""
        if "/asan/" in self.xq:
            return
        size = large("x.npy", "<f4", (2048, 12288))
        limit = size // 4 + 64 * MIB
        for words in (["--type", "s16", "--scale", "0.1"], ["--type", "u8", "--scheme", "affine", "--calibrate", "percentile:99.9"],
                      ["--type", "s4", "--scheme", "symmetric", "--calibrate", "mse"], ["--scheme", "mx4"], ["--scheme", "twn"],
                      ["--type", "s8", "--scheme", "symmetric", "--report", "--scale-out", "s.npy"]):
            self.limited(limit, "quantize", "x.npy", "-o", "q.npy", *words)
        size = large("x.npy", "<f2", (4096, 12288))
        for words in (["--type", "s8", "--scheme", "symmetric"], ["--scheme", "bwn", "--granularity", "channel:1"]):
            self.limited(size // 4 + 64 * MIB, "quantize", "x.npy", "-o", "q.npy", *words)

    def peak(self, *words):
        """Most resident pages of the command, in bytes."""
        read, write = os.pipe()
        code = ("import os, resource, subprocess, sys; r = subprocess.run(sys.argv[2:]).returncode; "
                "os.write(int(sys.argv[1]), b'%d %d' % (r, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))")
        subprocess.run([sys.executable, "-c", code, str(write), self.xq, *words], pass_fds=[write], check=True)
        os.close(write)
        status, kilobytes = map(int, os.read(read, 100).split())
        os.close(read)
        self.expect(status == 0, "xq %s: %d" % (" ".join(words), status))
        return kilobytes * 1024

    def memory_of_pieces(self):
        if "/asan/" in self.xq:
            return
        size = large("x.npy", "<f4", (2048, 12288))
        for words in (["--scale", "0.1"], ["--scheme", "symmetric"], ["--scheme", "affine", "--granularity", "channel:1"],
                      ["--scheme", "symmetric", "--granularity", "group:64"], ["--scheme", "symmetric", "--calibrate", "percentile:99.9"]):
            peak = self.peak("quantize", "x.npy", "-o", "q.npy", "--type", "s8", *words)
            self.expect(peak < size // 4 + 64 * MIB, "%s: %d MiB" % (words, peak // MIB))

    def pieces_are_the_whole(self):
        """A tensor in pieces gives the codes that its parts give alone."""
        random.seed(4)
        row = [random.gauss(0, 1) for _ in range(1 << 12)]
        x = row * 600
        save("x.npy", "<f4", (600, 1 << 12), x)
        save("part.npy", "<f4", (1, 1 << 12), row)
        for words in (["--type", "s8", "--scale", "0.02"], ["--type", "u4", "--scheme", "affine"], ["--type", "s8", "--scheme", "symmetric", "--granularity", "channel:1"],
                      ["--type", "s8", "--scheme", "symmetric", "--granularity", "channel:0", "--calibrate", "mse"],
                      ["--type", "s4", "--scheme", "affine", "--granularity", "group:100"]):
            self.run("quantize", "x.npy", "-o", "q.npy", "--scale-out", "s.npy", *words)
            self.run("quantize", "part.npy", "-o", "p.npy", "--scale-out", "t.npy", *words)
            q, p, s, t = load("q.npy")[2], load("p.npy")[2], load("s.npy")[2], load("t.npy")[2]
            self.expect(all(q[i << 12:(i + 1) << 12] == p for i in range(600)), "%s: codes" % words)
            self.expect(s == t * (len(s) // len(t)), "%s: scales" % words)
        self.run("quantize", "x.npy", "-o", "q.npy", "--type", "s4", "--scale", "0.3", "--round", "stochastic:5")
        q = load("q.npy")[2]
        self.expect(q[:1 << 20] != q[1 << 20:2 << 20], "the random numbers begin again with each piece")

    def bounded_calibration(self):
        """What is too large for a copy is calibrated by histograms, with almost the same answer."""
        values = [random.gauss(0, 1) for _ in range(1 << 16)]
        save("small.npy", "<f4", (len(values),), values)
        large_values = values * 160
        save("large.npy", "<f4", (len(large_values),), large_values)
        for method in "minmax", "percentile:99.9", "mse", "laplace", "ema:0.1":
            for name in "small", "large":
                self.run("quantize", name + ".npy", "-o", "q.npy", "--type", "s8", "--scheme", "symmetric", "--calibrate", method, "--scale-out", name + "-s.npy")
            a, b = load("small-s.npy")[2][0], load("large-s.npy")[2][0]
            self.expect(a == b if method[1] in "im" and method != "mse" else abs(a - b) < .02 * a, "%s: %g and %g" % (method, a, b))

    def short_groups(self):
        x = [random.gauss(0, 1) for _ in range(3 * 10)]
        save("x.npy", "<f4", (3, 10), x)
        x = load("x.npy")[2]
        for words in (["--type", "s8", "--scheme", "symmetric"], ["--type", "u8", "--scheme", "affine", "--calibrate", "mse"], ["--scheme", "bwn"], ["--scheme", "twn"]):
            zero = ["--zp-out", "z.npy"] if "affine" in words else []
            report = self.json("quantize", "x.npy", "-o", "q.npy", "--granularity", "group:4", "--scale-out", "s.npy", *zero, *words)
            self.expect(load("s.npy")[1] == (3, 3), "%s: scales are %s" % (words, load("s.npy")[1]))
            self.run("dequantize", "q.npy", "--scale", "s.npy", *(["--zp", "z.npy"] if zero else []), "--axis", "1", "--block", "4", "-o", "y.npy")
            y = load("y.npy")[2]
            self.expect(abs(max(abs(a - b) for a, b in zip(x, y)) - report["max_abs"]) < 1e-6, "%s: reported %r" % (words, report["max_abs"]))
            # Each group alone, the short one too, gives the same.
            for row, (start, end) in [(0, (0, 4)), (1, (8, 10)), (2, (8, 10)), (2, (4, 8))]:
                save("g.npy", "<f4", (1, end - start), x[row * 10 + start:row * 10 + end])
                self.run("quantize", "g.npy", "-o", "gq.npy", "--scale-out", "gs.npy", *words)
                self.expect(load("gq.npy")[2] == load("q.npy")[2][row * 10 + start:row * 10 + end], "%s: row %d from %d" % (words, row, start))
                self.expect(load("gs.npy")[2][0] == load("s.npy")[2][row * 3 + start // 4], "%s: scale of row %d from %d" % (words, row, start))

    def report_of_tables(self):
        """A table for each channel has one scale; the report tells what dequantize will give."""
        rng = random.Random(5)
        save("x.npy", "<f4", (16, 32), [rng.gauss(0, 1 + i // 32) for i in range(512)])
        said = self.run("quantize", "x.npy", "--type", "u8", "--scheme", "kmeans:4", "--granularity", "channel:0", "-o", "q.npy", "--scale-out", "s.npy",
                        "--codebook-out", "t.npy", "--report", "--json").stdout
        self.run("dequantize", "q.npy", "--scale", "s.npy", "--codebook", "t.npy", "-o", "y.npy")
        seen = self.json("compare", "x.npy", "y.npy", rc=1)
        self.expect(abs(json.loads(said)["relative"] - seen["relative"]) < 1e-9, "%s, %s" % (said, seen))

    def several_inputs(self):
        """One set of parameters, as if the inputs were one tensor."""
        parts = [[random.gauss(m, 1) for _ in range(4 * 8)] for m in (0, 3, -1)]
        for i, part in enumerate(parts):
            save("x%d.npy" % i, "<f4", (4, 8), part)
        save("all.npy", "<f4", (12, 8), parts[0] + parts[1] + parts[2])
        inputs, outputs = ["x0.npy", "x1.npy", "x2.npy"], ["-o", "q0.npy", "-o", "q1.npy", "-o", "q2.npy"]
        for scheme, granularity in [("symmetric", "tensor"), ("affine", "tensor"), ("affine", "channel:1"), ("symmetric", "channel:-1")]:
            words = ["--type", "s8", "--scheme", scheme, "--granularity", granularity, "--scale-out", "s.npy", "--zp-out", "z.npy"]
            self.run("quantize", "all.npy", "-o", "q.npy", *words)
            want = load("s.npy"), load("z.npy"), load("q.npy")[2]
            self.run("quantize", *inputs, *outputs, *words)
            self.expect((load("s.npy"), load("z.npy")) == want[:2], "%s %s: parameters" % (scheme, granularity))
            self.expect(load("q0.npy")[2] + load("q1.npy")[2] + load("q2.npy")[2] == want[2], "%s %s: codes" % (scheme, granularity))
            os.unlink("s.npy")
            self.run("quantize", *inputs, *words)
            self.expect(load("s.npy") == want[0], "parameters without codes")
        # Groups: the range of each is that over the inputs.
        self.run("quantize", *inputs, "--type", "s8", "--scheme", "symmetric", "--granularity", "group:4", "--scale-out", "s.npy")
        x = [load(name)[2] for name in inputs]
        want = tuple(struct.unpack("<f", struct.pack("<f", max(abs(v) for p in x for v in p[g * 4:g * 4 + 4]) / 127))[0] for g in range(8))
        self.expect(load("s.npy") == ("<f4", (4, 2), want), "groups: %r, not %r" % (load("s.npy"), want))
        # A moving average has a batch for each file.
        self.run("quantize", *inputs, "--type", "s8", "--scheme", "symmetric", "--calibrate", "ema:0.25", "--scale-out", "s.npy")
        low, high = min(x[0]), max(x[0])
        for p in x[1:]:
            low, high = .75 * low + .25 * min(p), .75 * high + .25 * max(p)
        self.expect(abs(load("s.npy")[2][0] - max(-low, high) / 127) < 1e-6, "ema: %r, not %r" % (load("s.npy")[2][0], max(-low, high) / 127))
        p = self.run("quantize", *inputs, "--type", "s8", "--scheme", "symmetric", "--json")
        self.expect(p.stdout.count('"elements": 32') == 3, "a report for each: %r" % p.stdout)

    def what_several_refuse(self):
        save("a.npy", "<f4", (4, 8), range(32))
        save("b.npy", "<f4", (4, 6), range(24))
        save("c.npy", "<f4", (3, 8), range(24))
        words = ["--type", "s8", "--scheme", "affine"]
        for rc, says, line in [(2, "-o must be given once for each input (1 given for 2)", ["a.npy", "b.npy", *words, "-o", "q.npy"]),
                               (2, "several inputs go with --scheme symmetric and affine (2 given)", ["a.npy", "b.npy", "--type", "s8", "--scale", "1", "--report"]),
                               (1, "the inputs differ in what shares parameters (b.npy is [4, 6])", ["a.npy", "b.npy", *words, "--granularity", "channel:1", "--scale-out", "s.npy"]),
                               (1, "the inputs differ in what shares parameters (c.npy is [3, 8])", ["a.npy", "c.npy", *words, "--granularity", "group:4", "--scale-out", "s.npy"]),
                               (1, "with several inputs the last axis must be a multiple of the group (b.npy is [4, 6])", ["b.npy", "b.npy", *words, "--granularity", "group:4", "--scale-out", "s.npy"])]:
            self.refused(rc, says, "quantize", *line)
            self.expect(not os.path.exists("s.npy") and not os.path.exists("q.npy"), "a file is left behind")
        self.run("quantize", "a.npy", "b.npy", *words, "--scale-out", "s.npy")

    def an_empty_input(self):
        save("e.npy", "<f4", (0, 4), [])
        self.run("quantize", "e.npy", "-o", "q.npy", "--type", "s8", "--scheme", "affine", "--scale-out", "s.npy")
        self.expect(load("q.npy") == ("|i1", (0, 4), ()) and load("s.npy")[2] == (1,), "empty")
        self.refused(1, "there is nothing to calibrate with: the input is empty", "quantize", "e.npy", "e.npy", "--type", "s8", "--scheme", "affine", "--report")


if __name__ == "__main__":
    xq_case.main(Quantize, sys.argv[1:])
