#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What xq says of operands and options that do not fit each other: the sentence names what is wrong, what would fit and what was given.

usage: test_xq_messages.py XQ.... Prints KTAP. Words that are not known at all are test_xq_words.py's.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import save  # noqa: E402


class Messages(xq_case.Tests):
    names = ("missing", "requantization", "gemm", "conv", "numbers", "quantize", "dequantize", "files", "operators")

    def files_to_use(self):
        save("a.npy", "|i1", (3, 4), [1] * 12)
        save("b.npy", "|i1", (4, 5), [1, 7] * 10)
        save("x.npy", "|i1", (1, 4, 5, 5), [1] * 100)
        save("w.npy", "|i1", (6, 2, 3, 3), [1] * 108)
        save("two.npy", "<i4", (2,), [1, 300])
        save("two_f.npy", "<f4", (2,), [1, 2])
        save("f.npy", "<f4", (3, 4), [1.0] * 12)
        save("high.npy", "<u8", (1, 2), [1, 2**64 - 1])

    def sentences(self, *cases):
        self.files_to_use()
        for rc, sentence, line in cases:
            self.refused(rc, sentence, *line.split())

    def missing(self):
        self.sentences(
            (2, "-o C.npy is missing", "gemm a.npy b.npy"), (2, "-o Y.npy is missing", "conv x.npy w.npy"),
            (2, "-o Q.npy is missing, or --report", "quantize f.npy --type s8 --scale 1"), (2, "-o X.npy is missing", "dequantize a.npy --scale 1"),
            (2, "--scale is missing, or --codebook", "dequantize a.npy -o c.npy"), (2, "either --scale or --scheme is needed", "quantize f.npy -o c.npy --type s8"),
            (2, "--type is missing", "quantize f.npy -o c.npy --scale 1"))

    def requantization(self):
        gemm = "gemm a.npy b.npy -o c.npy "
        scales, fixed = "--x-scale 1 --w-scale 1 ", "--multiplier 1073741824 "
        self.sentences(
            (2, "--x-scale needs --requant", gemm + "--x-scale 1"), (2, "--act-max needs --requant", gemm + "--act-max 1"),
            (2, "--y-type needs --requant", "conv x.npy w.npy -o c.npy --y-type s8"),
            (2, "--requant onnx needs --x-scale, --w-scale and --y-scale (--y-scale is missing)", gemm + scales + "--requant onnx"),
            (2, "--requant onnx needs --x-scale, --w-scale and --y-scale (--x-scale is missing)", gemm + "--requant onnx"),
            (2, "--requant floor-shift needs --multiplier and --shift (--shift is missing)", gemm + fixed + "--requant floor-shift"),
            (2, "--requant tflite needs --multiplier and --shift (--shift is missing)", gemm + fixed + "--requant tflite"),
            (2, "--requant tflite needs either --x-scale, --w-scale and --y-scale, or --multiplier and --shift", gemm + "--requant tflite"),
            (2, "--multiplier does not go with --requant onnx, which takes scales", gemm + scales + fixed + "--requant onnx"),
            (2, "--w-scale does not go with --requant floor-shift, which takes --multiplier and --shift", gemm + "--w-scale 1 --requant floor-shift"),
            (2, "--multiplier does not go with --x-scale: --requant tflite takes either scales, or --multiplier and --shift", gemm + scales + fixed + "--requant tflite"),
            (2, "--add goes with --requant floor-shift only (--requant tflite)", gemm + "--requant tflite --add 1"),
            (1, "--w-scale must be one number, or one for each of the 5 output channels (it is [2])", gemm + "--requant onnx --x-scale 1 --y-scale 1 --w-scale two_f.npy"),
            (1, "--x-scale must be one number (it is [2])", gemm + "--requant onnx --x-scale two_f.npy --y-scale 1 --w-scale 1"),
            (1, "--y-zp must be one number (it is [2])", gemm + "--requant onnx --x-scale 1 --y-scale 1 --w-scale 1 --y-zp two.npy"),
            (1, "--shift must be -31 to 30 (31)", gemm + fixed + "--shift 31 --requant tflite"),
            (1, "no value of type s8 lies between --act-min and --act-max (5, 4)", gemm + fixed + "--shift 0 --requant tflite --act-min 5 --act-max 4"))

    def operators(self):
        self.sentences(
            (2, "-o Y.npy is missing", "pool a.npy --kind max --kernel 2,2"), (2, "--kind is missing: max or average", "pool a.npy -o y.npy --kernel 2,2"),
            (2, "--kernel H,W is missing", "pool a.npy -o y.npy --kind max"), (2, "-o Y.npy is missing", "softmax a.npy --x-scale 1"),
            (2, "-o Y.npy is missing", "add a.npy a.npy --requant onnx"), (2, "--requant is missing: onnx, tflite or floor-shift", "add a.npy a.npy -o y.npy"),
            (2, "--requant is missing: onnx, tflite or tflite-single", "mul a.npy a.npy -o y.npy"),
            (1, "the shapes do not broadcast (a.npy is [3, 4], b.npy is [4, 5])",
             "add a.npy b.npy -o y.npy --requant onnx --a-scale 1 --b-scale 1 --y-scale 1"),
        )

    def gemm(self):
        gemm = "gemm a.npy b.npy -o c.npy "
        self.sentences(
            (1, "A has 5 columns and B 3 rows, which must be as many (A is [4, 5], B is [3, 4])", "gemm b.npy a.npy -o c.npy"),
            (1, "A has 4 columns and B 5 rows once transposed, which must be as many (A is [3, 4], B is [4, 5])", gemm + "--transpose-b"),
            (1, "--group must be at least 1 (0)", gemm + "--group 0"),
            (2, "--b-group-scale needs --group", gemm + "--b-group-scale two.npy"),
            (1, "--a-group-scale must be [3, 2], rows of A by groups of K (it is [2])", gemm + "--group 2 --a-group-scale two.npy"),
            (1, "--b-group-scale must be [5, 2], columns of B by groups of K (it is [2])", gemm + "--group 2 --b-group-scale two.npy"),
            (1, "with --group, --requant needs --a-group-scale or --b-group-scale", gemm + "--group 2 --requant floor-shift --multiplier 1 --shift 1"),
            (1, "--a-zp must be one number, or one for each of the 3 rows of A (it is [2])", gemm + "--a-zp two.npy"),
            (1, "--b-zp must be one number, or one for each of the 5 columns of B (it is [2])", gemm + "--b-zp two.npy"),
            (1, "--b-type c4 needs --codebook", gemm + "--b-type c4"), (1, "--codebook goes with --b-type c4 and c8 (B is s8)", gemm + "--codebook two.npy"),
            (1, "--bias must be [5] (it is [2])", gemm + "--bias two.npy"), (1, "--bias must be int32 (two_f.npy is float32)", gemm + "--bias two_f.npy"),
            (1, "f.npy must be int8 or uint8 (it is float32)", "gemm f.npy b.npy -o c.npy"),
            (1, "b.npy has a value that is not of --a-type t2 (element [0, 1] is 7)", "gemm b.npy a.npy -o c.npy --a-type t2"))

    def conv(self):
        conv = "conv x.npy w.npy -o c.npy "
        self.sentences(
            (1, "axis 1 of W must be the 4 channels of X over --groups 1 (W has 2: X is [1, 4, 5, 5], W is [6, 2, 3, 3])", conv),
            (1, "axis 3 of W must be the 5 channels of X over --groups 1 (W has 3: X is [1, 4, 5, 5], W is [6, 2, 3, 3])", conv + "--layout nhwc"),
            (1, "--groups must divide the 4 channels of X (3)", conv + "--groups 3"),
            (1, "--groups must divide the 6 output channels, the first axis of W (4)", conv + "--groups 4"),
            (1, "--w-zp must be one number, or one for each of the 6 output channels (it is [2])", conv + "--groups 2 --w-zp two.npy"),
            (1, "--x-zp must be one number (it is [2])", conv + "--groups 2 --x-zp two.npy"), (1, "--strides must be at least 1 (0)", conv + "--strides 0"),
            (2, "--output-padding needs --transpose", conv + "--output-padding 1"))

    def numbers(self):
        gemm = "gemm a.npy b.npy -o c.npy "
        self.sentences(
            (1, "--a-zp must be -2147483648 to 2147483647 (3000000000)", gemm + "--a-zp 3000000000"),
            (1, "--a-zp must be -2147483648 to 2147483647 (99999999999999999999)", gemm + "--a-zp 99999999999999999999"),
            (1, "--b-zp must be -2147483648 to 2147483647 (element [0, 1] is 18446744073709551615)", gemm + "--b-zp high.npy"),
            (1, "--zp must be -128 to 127 (128)", "quantize f.npy -o c.npy --type s8 --scale 1 --zp 128"),
            (1, "--a-zp must be of an integer type (two_f.npy is float32)", gemm + "--a-zp two_f.npy"),
            (1, "--scale must be of a floating type (two.npy is int32)", "quantize f.npy -o c.npy --type s8 --scale two.npy"),
            (1, "--scale must be finite (nan)", "quantize f.npy -o c.npy --type s8 --scale nan"))

    def quantize(self):
        quantize = "quantize f.npy -o c.npy "
        self.sentences(
            (2, "--granularity goes with --scheme", quantize + "--type s8 --scale 1 --granularity tensor"),
            (2, "--calibrate goes with --scheme", quantize + "--type s8 --scale 1 --calibrate mse"),
            (2, "--block goes with --scale", quantize + "--type s8 --scheme affine --block 1"),
            (2, "--scale does not go with --scheme", quantize + "--type s8 --scheme affine --scale 1"),
            (2, "the number in --granularity must be an integer (group:x)", quantize + "--type s8 --scheme affine --granularity group:x"),
            (1, "a group or block must have at least one element (0)", quantize + "--type s8 --scheme affine --granularity group:0"),
            (1, "--block must be at least 1 (0)", quantize + "--type s8 --scale 1 --block 0"),
            (1, "--scheme affine has nothing for --codebook-out", quantize + "--type s8 --scheme affine --codebook-out t.npy"),
            (1, "--scale 1 has nothing for --codebook-out", quantize + "--type s8 --scale 1 --codebook-out t.npy"),
            (2, "--calibrate goes with --scheme symmetric and affine (twn)", quantize + "--scheme twn --calibrate mse"),
            (2, "--scheme twn has a rounding of its own (--round even)", quantize + "--scheme twn --round even"),
            (1, "without a scheme of its own, --type must be s8, u8, s4, u4, s2, u2, t2, s16 or u16 (b1)", quantize + "--type b1 --scale 1"),
            (1, "--scheme mx4 writes s8 (--type s4)", quantize + "--scheme mx4 --type s4"),
            (1, "kmeans:BITS takes at most 4 bits for --type c4 (kmeans:5)", quantize + "--scheme kmeans:5 --type c4"),
            (1, "--type c4 has one table for the tensor (--granularity channel:0)", quantize + "--scheme kmeans:2 --type c4 --granularity channel:0"),
            (1, "--granularity must be tensor or channel:0 for kmeans (channel:1)", quantize + "--scheme kmeans:2 --granularity channel:1"),
            (1, "the percentile must be above 50 and at most 100 (percentile:101)", quantize + "--type s8 --scheme affine --calibrate percentile:101"),
            (2, "a number must follow the colon of --calibrate (percentile:many)", quantize + "--type s8 --scheme affine --calibrate percentile:many"),
            (2, "the seed of --round stochastic:SEED must be an integer (stochastic:x)", quantize + "--type s8 --scheme affine --round stochastic:x"),
            (2, "kmeans:BITS takes 2 to 8 bits (kmeans:9)", quantize + "--scheme kmeans:9"),
            (1, "--scale does not fit axis 1 of the tensor (it is [2], the tensor [3, 4])", quantize + "--type s8 --scale two_f.npy --axis 1"))

    def dequantize(self):
        self.sentences(
            (1, "--scale does not fit axis 1 of the tensor (it is [2], the tensor [3, 4])", "dequantize a.npy -o c.npy --scale two_f.npy --axis 1"),
            (1, "there is no axis 2 in a tensor of shape [3, 4]", "dequantize a.npy -o c.npy --scale two_f.npy --axis 2"))

    def files(self):
        self.sentences(
            (1, "cannot read none.npy: No such file or directory", "gemm none.npy b.npy -o c.npy"),
            (1, "--scale is neither a number nor a file of a tensor (none: No such file or directory)", "quantize f.npy -o c.npy --type s8 --scale none"))


if __name__ == "__main__":
    xq_case.main(Messages, sys.argv[1:])
