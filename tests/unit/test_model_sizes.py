#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Models of many operators take a time that grows with their number, and not with its square: to load, compile, run and show.

usage: test_model_sizes.py XQ... Prints KTAP. Needs nothing but Python.
"""
import math
import os
import random
import resource
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

SHAPE, IMAGE = (2, 3), (1, 1, 4, 4)
FEW, TIMES = 2000, 8
# Eight times as many take eight times as long, or 64 times; caches that are full and a busy machine are in between.
MOST, FLOOR, LIMIT = 16, 0.03, 60


def chain(count, node):
    """node(input, output) again and again, from x to y."""
    return [node("x" if i == 0 else "t%d" % i, "y" if i == count - 1 else "t%d" % (i + 1), i) for i in range(count)]


def flat(nodes):
    return [n for some in nodes for n in some]


class Tests(Base):
    names = ("functions", "reshapes", "sums", "sums_of_all", "conversions", "conversions_and_functions", "convolutions",
             "quantized_sums", "quantized_products", "many_inputs", "many_outputs", "before_a_loop")

    def used(self, *words):
        """Processor time of the command."""
        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))

        with subprocess.Popen([self.xq, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=limit) as p:
            error = p.stderr.read().decode()
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
        self.expect(p.returncode == 0, "xq %s: exit status %d %s" % (" ".join(words[:4]), p.returncode, error.strip()[:200]))
        return usage.ru_utime + usage.ru_stime

    def grows(self, make, few=FEW):
        """make(count) writes m.onnx of so many and its inputs, and says by which words it is run, if it is."""
        took = []
        for count in few, TIMES * few:
            words = make(count)
            took.append([self.used("show", "m.onnx", "--device", "soft")])
            if words:
                took[-1].append(self.used("run", "m.onnx", *words, "--device", "soft"))
            if self.problems:
                return
            if words:
                self.expect(any(load("y.npy")[2]), "of %d: y is all zeros" % count)
        for i, (few_took, most) in enumerate(zip(*took)):
            least, what = max(few_took, FLOOR), ("show", "run")[i]
            print("# %s: %.2f s, of %d times as many %.2f s" % (what, took[0][i], TIMES, most))
            self.expect(most <= MOST * least, "xq %s of %d times as many takes %.1f s, and %.2f s of these" % (what, TIMES, most, least))

    def write(self, nodes, inputs=None, outputs=None, constants=(), shape=SHAPE):
        constants = [onnx.tensor("s", onnx.FLOAT, (), [0.25]), onnx.tensor("z", onnx.UINT8, (), [3]), *constants]
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, inputs or [onnx.value("x", onnx.FLOAT, shape)], outputs or [onnx.value("y", onnx.FLOAT, shape)], constants, 21) +
                    onnx.field(8, onnx.field(1, "com.microsoft") + onnx.field(2, 1)))
        save("x.npy", "<f4", shape, [random.uniform(1, 4) for _ in range(math.prod(shape))])
        return "--input", "x.npy", "-o", "y.npy"

    def functions(self):
        self.grows(lambda count: self.write(chain(count, lambda a, b, i: onnx.node(("Neg", "Identity", "Abs", "Relu")[i % 4], [a], [b]))))

    def reshapes(self):
        sizes = [onnx.tensor("r0", onnx.INT64, (2,), [3, 2]), onnx.tensor("r1", onnx.INT64, (2,), [2, 3])]
        self.grows(lambda count: self.write(chain(count, lambda a, b, i: onnx.node("Reshape", [a, "r%d" % (i % 2)], [b])), constants=sizes))

    def sums(self):
        small = [onnx.tensor("c", onnx.FLOAT, (), [0.001])]
        self.grows(lambda count: self.write(chain(count, lambda a, b, i: onnx.node("Add", [a, "c"], [b])), constants=small))

    def sums_of_all(self):
        """Everything that is added is there at the same time."""
        self.grows(lambda count: self.write(flat([onnx.node("Neg", ["x"], ["n%d" % i])] for i in range(count)) +
                                            chain(count, lambda a, b, i: onnx.node("Add", [a, "n%d" % i], [b]))))

    def conversions(self):
        self.grows(lambda count: self.write(flat(chain(count, lambda a, b, i: [
            onnx.node("QuantizeLinear", [a, "s", "z"], ["q%d" % i]), onnx.node("DequantizeLinear", ["q%d" % i, "s", "z"], [b])]))))

    def conversions_and_functions(self):
        self.grows(lambda count: self.write(flat(chain(count, lambda a, b, i: [
            onnx.node("QuantizeLinear", [a, "s", "z"], ["q%d" % i]), onnx.node("DequantizeLinear", ["q%d" % i, "s", "z"], ["d%d" % i]),
            onnx.node("Relu", ["d%d" % i], [b])]))))

    def convolutions(self):
        weights = [onnx.tensor("w", onnx.INT8, (1, 1, 3, 3), [0, 0, 0, 0, 4, 0, 0, 0, 0]), onnx.tensor("ws", onnx.INT8, (), [0])]
        self.grows(lambda count: self.write(flat(chain(count, lambda a, b, i: [
            onnx.node("QuantizeLinear", [a, "s", "z"], ["q%d" % i]), onnx.node("DequantizeLinear", ["q%d" % i, "s", "z"], ["d%d" % i]),
            onnx.node("DequantizeLinear", ["w", "s", "ws"], ["w%d" % i]),
            onnx.node("Conv", ["d%d" % i, "w%d" % i], [b], pads=[1, 1, 1, 1])])), constants=weights, shape=IMAGE))

    def quantized(self, count, node, constants=()):
        middle = [node("q%d" % i, "q%d" % (i + 1)) for i in range(count)]
        return self.write([onnx.node("QuantizeLinear", ["x", "s", "z"], ["q0"]), *middle,
                           onnx.node("DequantizeLinear", ["q%d" % count, "s", "z"], ["y"])], constants=constants)

    def quantized_sums(self):
        self.grows(lambda count: self.quantized(count, lambda a, b: onnx.node("QLinearAdd", [a, "s", "z", a, "s", "z", "s", "z"], [b]) +
                                                onnx.field(7, "com.microsoft")))

    def quantized_products(self):
        weights = [onnx.tensor("w", onnx.UINT8, (3, 3), [7, 3, 3, 3, 7, 3, 3, 3, 7])]
        self.grows(lambda count: self.quantized(count, lambda a, b: onnx.node("QLinearMatMul", [a, "s", "z", "w", "s", "z", "s", "z"], [b]), weights))

    def many_inputs(self):
        def make(count):
            inputs = [onnx.value("x%d" % i, onnx.FLOAT, SHAPE) for i in range(count)]
            self.write(chain(count, lambda a, b, i: onnx.node("Add", ["x0" if i == 0 else a, "x%d" % i], [b])), inputs)

        self.grows(make)

    def many_outputs(self):
        def make(count):
            nodes = [onnx.node("Neg", ["x"], ["y" if i == 0 else "n%d" % i]) for i in range(count)]
            return self.write(nodes, None, [onnx.value("y" if i == 0 else "n%d" % i, onnx.FLOAT, SHAPE) for i in range(count)])

        self.grows(make)

    def before_a_loop(self):
        """Each pass through a loop puts operators before all that come behind it."""
        def make(count):
            body = (b"".join(onnx.field(1, n) for n in (onnx.node("Neg", ["a"], ["b"]), onnx.node("Identity", ["c"], ["d"]))) + onnx.field(2, "g") +
                    b"".join(onnx.field(11, v) for v in (onnx.value("i", onnx.INT64, ()), onnx.value("c", 9, ()), onnx.value("a", onnx.FLOAT, SHAPE))) +
                    b"".join(onnx.field(12, v) for v in (onnx.value("d", 9, ()), onnx.value("b", onnx.FLOAT, SHAPE))))
            loop = onnx.node("Loop", ["times", "", "x"], ["u"]) + onnx.field(5, onnx.field(1, "body") + onnx.field(6, body) + onnx.field(20, 5))
            behind = chain(count, lambda a, b, i: onnx.node("Neg", ["u" if i == 0 else a], [b]))
            return self.write([loop, *behind], constants=[onnx.tensor("times", onnx.INT64, (), [count])])

        self.grows(make, 1000)


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
