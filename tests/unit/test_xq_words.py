#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What xq says of its command line: help, version, and for each wrong word the right ones.

usage: test_xq_words.py XQ..., for instance with and without sanitizers. Prints KTAP.
"""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))


class Words(xq_case.Tests):
    names = ("commands", "options", "values", "help", "version", "full_output", "manual_pages")

    def says(self, line, sentence, rc=2):
        """One line, that begins with xq and the command; its hint is of that command."""
        p = self.run(*line.split(), rc=rc)
        got = p.stderr.rstrip("\n")
        if rc == 2:
            hint = re.fullmatch(r"(xq(?:: ([a-z ]+))?: .*); see xq (?:\2 )?--help", got)
            got = hint and hint[1]
        if got != sentence or p.stdout:
            self.problems.append("xq %s: %r, not %r" % (line, p.stderr, sentence))

    # ---- tests ----

    def commands(self):
        for line, answer in [
                ("", "xq: a command is missing"), ("qantize", "xq: there is no command qantize, the nearest is quantize"),
                ("QUANTIZE", "xq: there is no command QUANTIZE, the nearest is quantize"),
                ("dequant", "xq: there is no command dequant, the nearest is dequantize"), ("gmem", "xq: there is no command gmem, the nearest is gemm"),
                ("bnch", "xq: there is no command bnch, the nearest is bench"), ("--versoin", "xq: there is no command --versoin, the nearest is --version"),
                ("frobnicate", "xq: there is no command frobnicate"), ("help qantize", "xq: there is no command qantize, the nearest is quantize"),
                ("x" * 500, "xq: there is no command " + "x" * 500)]:
            self.says(line, answer)
        both = "there is bench gemm and bench conv"
        self.says("bench", "xq: bench needs a second word: " + both)
        for line in "bench gem", "help bench gem":
            self.says(line, "xq: there is no command bench gem, but " + both)

    def options(self):
        for line, answer in [
                ("quantize --axs 3", "xq: quantize: there is no option --axs, the nearest is --axis"),
                ("gemm --transpsoe-b", "xq: gemm: there is no option --transpsoe-b, the nearest is --transpose-b"),
                ("conv --grops=2", "xq: conv: there is no option --grops, the nearest is --groups"),
                ("gemm --frobnicate", "xq: gemm: there is no option --frobnicate"), ("gemm -q", "xq: gemm: there is no option -q"),
                ("quantize --s", "xq: quantize: --s is the beginning of several options: --scale, --scheme, --scale-out"),
                ("quantize --report=3", "xq: quantize: --report takes no value (--report=3)"), ("info --help=3", "xq: info: --help takes no value (--help=3)"),
                ("quantize x.npy -o", "xq: quantize: -o takes a value, and there is none behind it"),
                ("quantize --scheme", "xq: quantize: --scheme takes a value, and there is none behind it"),
                ("info x", "xq: info: it takes options only (x)"), ("gemm a b c", "xq: gemm: it takes 2 files, and c is one too many (3 given)"),
                ("quantize", "xq: quantize: it takes at least 1 file (0 given)"), ("dequantize", "xq: dequantize: it takes 1 file (0 given)"), ("gemm --group four a b", "xq: gemm: --group takes an integer (four)"),
                ("gemm --group 99999999999999999999 a b", "xq: gemm: --group takes no number of that size (99999999999999999999)")]:
            self.says(line, answer)

    def values(self):
        schemes = "symmetric, affine, binary, bwn, twn, kmeans:BITS, vsquant, mx4, mx6, mx9 or mxint8"
        types = "s8, u8, s4, u4, s2, u2, t2, s16, u16, b1, c4 or c8"
        for line, answer in [
                ("--scheme kmeans", "--scheme needs the number in kmeans:BITS (kmeans)"), ("--scheme kmeans:", "--scheme needs the number in kmeans:BITS (kmeans:)"),
                ("--scheme=kmaens:3", "--scheme takes %s (kmaens:3; the nearest is kmeans:BITS)" % schemes),
                ("--scheme symetric", "--scheme takes %s (symetric; the nearest is symmetric)" % schemes),
                ("--scheme int", "--scheme takes %s (int)" % schemes),
                ("--calibrate percentile", "--calibrate needs the number in percentile:P (percentile)"),
                ("--calibrate min-max", "--calibrate takes minmax, percentile:P, mse, kl, laplace, gauss or ema:ALPHA (min-max; the nearest is minmax)"),
                ("--granularity channels:0", "--granularity takes tensor, channel:AXIS or group:G (channels:0; the nearest is channel:AXIS)"),
                ("--round stocastic:1", "--round takes nearest, even or stochastic:SEED (stocastic:1; the nearest is stochastic:SEED)"),
                ("--type int8", "--type takes %s (int8)" % types), ("--type s32", "--type takes %s (s32; the nearest is s2)" % types),
                ("--type S8", "--type takes %s (S8; the nearest is s8)" % types)]:
            self.says("quantize x.npy -o q.npy " + line, "xq: quantize: " + answer)
        self.says("gemm a b -o c --a-type c4", "xq: gemm: --a-type takes s8, u8, s4, u4, s2, u2, t2 or b1 (c4)")
        self.says("conv a b -o c --requant onx", "xq: conv: --requant takes onnx, tflite, tflite-single or floor-shift (onx; the nearest is onnx)")
        self.says("conv a b -o c --layout nwhc", "xq: conv: --layout takes nchw or nhwc (nwhc; the nearest is nhwc)")

    def help(self):
        names = self.run("--list-commands").stdout.splitlines()
        for name in names:
            told = self.run("help", *name.split()).stdout
            if told != self.run(*name.split(), "--help").stdout or not told.startswith("usage: xq %s " % name):
                self.problems.append("help %s: %r" % (name, told))
            if max(len(line) for line in told.splitlines()) > 160:
                self.problems.append("help %s has a long line" % name)
        told = self.run("help").stdout
        if [name for name in names if "\n  %s " % name not in told] or told != self.run("--help").stdout:
            self.problems.append("help: %r" % told)
        if "\n  gemm" in self.run("help", "bench").stdout or "\n  bench gemm" not in self.run("help", "bench").stdout:
            self.problems.append("help bench")
        self.says("help gemm x", "xq: gemm: help takes one command (x)")

    def version(self):
        with open(os.path.join(TOP, "libxqaccel/build.mk"), encoding="utf-8") as f:
            version = re.search(r"^XQ_LIB_VERSION := (\S+)", f.read(), re.M)[1]
        for word in "--version", "-V":
            told = self.run(word).stdout
            if not re.fullmatch(r"xq %s\n" % re.escape(version), told):
                self.problems.append("%s: %r" % (word, told))

    def full_output(self):
        for line in "--help", "--version", "gemm --help", "info --device soft", "info --device soft --json", "bench gemm --m 1 --n 1 --k 1 --device soft":
            with open("/dev/full", "wb") as full:
                p = subprocess.run([self.xq, *line.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            if p.returncode != 1 or not re.fullmatch(r"xq: .*cannot write to standard output: No space left on device\n", p.stderr):
                self.problems.append("xq %s >/dev/full: %d, %r" % (line, p.returncode, p.stderr))


    def manual_pages(self):
        """Each command has a page that names each of its options, or the page to which it refers for --requant does."""
        pages = {}
        for file in pathlib.Path(TOP, "libxqaccel/man").glob("*.1"):
            text = file.read_text(encoding="utf-8").replace("\\-", "-")
            for name in re.search(r"^\.SH NAME\n(.*?) - ", text, re.M)[1].split(", "):
                pages[name] = text

        for name in self.run("--list-commands").stdout.splitlines():
            text = pages.get("xq-%s" % name.split()[0])
            self.expect(text, "xq %s has no manual page" % name)
            text = (text or "") + (pages["xq-conv"] if "--requant" in (text or "") else "")
            for line in self.run(*name.split(), "--list-options").stdout.splitlines()[1:]:
                option = line.split()[0]
                # -o is every command's, --device and --help are xq(1)'s.
                if option.startswith("--") and option not in ("--output", "--device", "--help"):
                    self.expect(re.search(re.escape(option) + r"(?![a-z-])", text), "xq-%s.1 does not name %s" % (name.split()[0], option))


if __name__ == "__main__":
    xq_case.main(Words, sys.argv[1:])
