#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Conv and MaxPool of real numbers against plain loops: 1 to 3 dimensions, groups, strides, dilations, padding, images of few pixels and of many.

usage: test_onnx_convolutions.py XQ...: xq programs. Prints KTAP.
"""
import itertools
import math
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402


class Conv:
    def __init__(self, size, kernel, channels, outputs, groups=1, stride=1, dilation=1, pads=(0, 0), batch=1):
        """Sizes and kernels are lists; the other numbers hold for all dimensions."""
        self.size, self.kernel, self.groups, self.stride, self.dilation, self.pads = size, kernel, groups, stride, dilation, pads
        self.out = [(s + sum(pads) - (k - 1) * dilation - 1) // stride + 1 for s, k in zip(size, kernel)]
        self.x_shape, self.w_shape = [batch, channels] + size, [outputs, channels // groups] + kernel
        self.y_shape = [batch, outputs] + self.out
        self.x, self.w, self.b = ([random.gauss(0, 1) for _ in range(n)]
                                  for n in (math.prod(self.x_shape), math.prod(self.w_shape), outputs))

    def pixel(self, o, tap):
        """The number of the input pixel, None in the padding."""
        at = 0
        for p, t, size in zip(o, tap, self.size):
            i = p * self.stride + t * self.dilation - self.pads[0]
            if not 0 <= i < size:
                return None
            at = at * size + i
        return at

    def want(self):
        pixels, taps, each = math.prod(self.size), math.prod(self.kernel), self.w_shape[1]
        seen = [[(n, p) for n, t in enumerate(itertools.product(*map(range, self.kernel))) if (p := self.pixel(o, t)) is not None]
                for o in itertools.product(*map(range, self.out))]
        y = []
        for b, o in itertools.product(range(self.x_shape[0]), range(self.w_shape[0])):
            first = b * self.x_shape[1] + o // (self.w_shape[0] // self.groups) * each
            for taps_seen in seen:
                y.append(self.b[o] + sum(self.w[(o * each + c) * taps + n] * self.x[(first + c) * pixels + p]
                                         for n, p in taps_seen for c in range(each)))
        return y

    def write(self, path, given):
        n = len(self.size)
        node = onnx.node("Conv", ["x", "w", "b"], ["y"], group=self.groups, strides=[self.stride] * n, dilations=[self.dilation] * n,
                         pads=[self.pads[0]] * n + [self.pads[1]] * n, kernel_shape=self.kernel)
        constants = [onnx.tensor("b", onnx.FLOAT, [len(self.b)], self.b)]
        inputs, words = [("x", self.x_shape, self.x)], []
        if given:
            constants.append(onnx.tensor("w", onnx.FLOAT, self.w_shape, self.w))
        else:
            inputs.append(("w", self.w_shape, self.w))
        with open(path, "wb") as f:
            f.write(onnx.model([node], [onnx.value(k, onnx.FLOAT, s) for k, s, _ in inputs],
                               [onnx.value("y", onnx.FLOAT, self.y_shape)], constants))
        for name, shape, values in inputs:
            words += ["--input", save(name + ".npy", "<f4", shape, values)]
        return words


class Tests(Base):
    names = ("images_of_many_pixels", "images_of_few_pixels", "depthwise", "strides_past_the_kernel", "long_rows", "padding_of_one_side",
             "weights_that_are_computed", "bounds_behind", "many_more", "largest")

    def compare(self, *numbers, given=True, **options):
        case = Conv(*numbers, **options)
        words = case.write("m.onnx", given)
        self.run("run", "m.onnx", *words, "-o", "y.npy", "--device", "soft")
        want, (_, shape, got) = case.want(), load("y.npy")
        self.expect(list(shape) == case.y_shape, "%s: %s" % (numbers, shape))
        worst = max(abs(a - b) / (1 + abs(a)) for a, b in zip(want, got))
        self.expect(worst < 1e-4, "%s %s: off by %g" % (numbers, options, worst))

    def images_of_many_pixels(self):
        self.compare([19, 23], [3, 3], 5, 9, pads=(1, 1))
        self.compare([9, 11], [3, 3], 4, 20, stride=2, pads=(1, 1), batch=2)
        self.compare([4, 5, 6], [2, 3, 2], 3, 4, dilation=2, pads=(2, 2))

    def images_of_few_pixels(self):
        self.compare([3, 4], [3, 3], 6, 33, pads=(1, 1), batch=2)
        self.compare([5], [3], 8, 150, stride=2, groups=2)
        self.compare([1, 1], [1, 1], 40, 17)

    def depthwise(self):
        for stride in 1, 2:
            self.compare([13, 17], [3, 3], 12, 12, groups=12, stride=stride, pads=(1, 1))
        self.compare([13], [5], 6, 12, groups=6, dilation=2, pads=(3, 3))

    def strides_past_the_kernel(self):
        self.compare([17, 19], [1, 1], 4, 8, stride=3)
        self.compare([17, 19], [2, 2], 4, 8, stride=5, pads=(1, 1))

    def long_rows(self):
        self.compare([1300], [7], 2, 3, pads=(3, 3))
        self.compare([2, 700], [1, 4], 2, 3, stride=2)

    def padding_of_one_side(self):
        self.compare([9, 9], [3, 3], 3, 5, pads=(0, 2), stride=2)
        self.compare([9, 9], [3, 3], 3, 5, pads=(2, 0))
        # As large as without padding, elsewhere.
        self.compare([9, 9], [3, 3], 3, 5, pads=(2, -2))

    def bounds_behind(self):
        """A Relu or Clip is taken in, with the results that it has by itself, which it keeps where somebody reads what is between."""
        bounds = {"low": -0.5, "high": 1.25, "least": -1.5}
        for size, nodes, taken in (
                ([7, 9], [("Relu", ["c"], "y")], True), ([2, 2], [("Clip", ["c", "low", "high"], "y")], True),
                ([7, 9], [("Clip", ["c", "", "high"], "y")], True), ([7, 9], [("Clip", ["c", "low"], "y")], True),
                ([7, 9], [("Clip", ["c", "high", "low"], "y")], False), ([7, 9], [("Clip", ["c", "low", "x0"], "y")], False),
                ([7, 9], [("Relu", ["c"], "r"), ("Clip", ["r", "", "high"], "y")], False),
                ([7, 9], [("Relu", ["c"], "r"), ("Add", ["c", "r"], "y")], False)):
            case = Conv(size, [3, 3], 3, 6, pads=(1, 1))
            case.x[0] = math.nan
            save("x.npy", "<f4", case.x_shape, case.x)
            save("x0.npy", "<f4", (), [0.75])
            inputs = [("x", case.x_shape)] + [("x0", ())] * any("x0" in n[1] for n in nodes)
            conv = onnx.node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], kernel_shape=[3, 3])
            constants = [onnx.tensor("b", onnx.FLOAT, [6], case.b), onnx.tensor("w", onnx.FLOAT, case.w_shape, case.w)]
            constants += [onnx.tensor(k, onnx.FLOAT, (), [v]) for k, v in bounds.items()]
            got = []
            for outputs in ["y"], ["y", "c"]:
                with open("m.onnx", "wb") as f:
                    f.write(onnx.model([conv] + [onnx.node(k, i, [o]) for k, i, o in nodes], [onnx.value(k, onnx.FLOAT, s) for k, s in inputs],
                                       [onnx.value(o, onnx.FLOAT, case.y_shape) for o in outputs], constants))
                words = [w for k, _ in inputs for w in ("--input", k + ".npy")] + [w for o in outputs for w in ("-o", o + ".npy")]
                self.run("run", "m.onnx", *words, "--device", "soft")
                with open("y.npy", "rb") as f:
                    got.append(f.read())
                left = len(self.json("show", "m.onnx", "--device", "soft")["operators"])
                most = 1 + len(nodes)
                self.expect(left == most - (taken or nodes[0][2] == "r" and nodes[-1][0] == "Clip") * (len(outputs) == 1),
                            "%s, outputs %s: %d operators" % (nodes, outputs, left))
            self.expect(got[0] == got[1], "%s: other bits" % nodes)

    def weights_that_are_computed(self):
        self.compare([9, 9], [3, 3], 3, 5, pads=(1, 1), given=False)
        self.compare([3, 3], [3, 3], 3, 32, pads=(1, 1), given=False)

    def many_more(self):
        source = random.Random(7)
        for _ in range(40):
            dims = source.randint(1, 3)
            groups, dilation = source.choice((1, 1, 2, 3)), source.randint(1, 3)
            kernel = [source.randint(1, 4) for _ in range(dims)]
            size = [(k - 1) * dilation + source.randint(1, 30 if dims == 1 else 9 if dims == 2 else 3) for k in kernel]
            self.compare(size, kernel, groups * source.randint(1, 4), groups * source.randint(1, 20), groups=groups, dilation=dilation,
                         stride=source.randint(1, 4), pads=(source.randint(0, 3), source.randint(0, 3)), batch=source.randint(1, 2))

    def largest(self):
        """A NaN is larger than any number, and padding takes no part."""
        source = random.Random(3)
        for _ in range(40):
            dims, dilation = source.randint(1, 3), source.randint(1, 2)
            kernel = [source.randint(2, 4) for _ in range(dims)]
            size = [(k - 1) * dilation + source.randint(1, 5) for k in kernel]
            case = Conv(size, kernel, 2, 2, groups=2, stride=source.randint(1, 3), dilation=dilation, batch=2,
                        pads=(source.randint(0, 1), source.randint(0, 1)))
            case.x = [math.nan if source.random() < 0.01 else -abs(v) for v in case.x]
            node = onnx.node("MaxPool", ["x"], ["y"], strides=[case.stride] * dims, dilations=[dilation] * dims, kernel_shape=kernel,
                             pads=[case.pads[0]] * dims + [case.pads[1]] * dims)
            with open("m.onnx", "wb") as f:
                f.write(onnx.model([node], [onnx.value("x", onnx.FLOAT, case.x_shape)], [onnx.value("y", onnx.FLOAT, case.y_shape)], []))
            save("x.npy", "<f4", case.x_shape, case.x)
            self.run("run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft")
            pixels, want, x = math.prod(size), [], load("x.npy")[2]
            for i in range(4):
                for o in itertools.product(*map(range, case.out)):
                    seen = [x[i * pixels + p] for t in itertools.product(*map(range, kernel)) if (p := case.pixel(o, t)) is not None]
                    want.append("nan" if any(map(math.isnan, seen)) else str(max(seen)))
            got = [str(v) for v in load("y.npy")[2]]
            self.expect(want == got, "%s by %s: %s, not %s" % (size, kernel, got, want))


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
