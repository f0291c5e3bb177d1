#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""LSTM, GRU and RNN against plain loops, with weights that differ in every gate: those of ONNX's own tests are all the same.

usage: test_onnx_recurrent.py XQ...: xq programs. Prints KTAP.
"""
import math
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
STEPS, BATCH, INPUTS, HIDDEN = 4, 3, 5, 7


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def product(rows, x, bias):
    return [b + sum(w * v for w, v in zip(row, x)) for row, b in zip(rows, bias)]


def step(kind, layer, x, h, c, last):
    """One step of one row in one direction: (h, c)."""
    n = len(h)
    a = product(layer["w"], x, layer["wb"])
    r, rb = layer["r"], layer["rb"]
    if kind == "RNN":
        return [math.tanh(p + q) for p, q in zip(a, product(r, h, rb))], c
    if kind == "LSTM":
        u, peep = product(r, h, rb), layer["p"]
        i = [sigmoid(a[k] + u[k] + peep[k] * c[k]) for k in range(n)]
        f = [sigmoid(a[2 * n + k] + u[2 * n + k] + peep[2 * n + k] * c[k]) for k in range(n)]
        c = [f[k] * c[k] + i[k] * math.tanh(a[3 * n + k] + u[3 * n + k]) for k in range(n)]
        o = [sigmoid(a[n + k] + u[n + k] + peep[n + k] * c[k]) for k in range(n)]
        return [o[k] * math.tanh(c[k]) for k in range(n)], c
    u = product(r[:2 * n], h, rb[:2 * n])
    z = [sigmoid(a[k] + u[k]) for k in range(n)]
    reset = [sigmoid(a[n + k] + u[n + k]) for k in range(n)]
    if last:
        back = [reset[k] * v for k, v in enumerate(product(r[2 * n:], h, rb[2 * n:]))]
    else:
        back = product(r[2 * n:], [reset[k] * h[k] for k in range(n)], rb[2 * n:])
    return [(1 - z[k]) * math.tanh(a[2 * n + k] + back[k]) + z[k] * h[k] for k in range(n)], c


class Case:
    """A layer, its file, and what comes out."""

    def __init__(self, kind, direction="forward", lengths=None, last=0, peepholes=False, states=True, bias=True, given=True):
        self.kind, self.direction, self.lengths, self.last, self.given = kind, direction, lengths or [STEPS] * BATCH, last, given
        self.directions, rows = 2 if direction == "bidirectional" else 1, GATES[kind] * HIDDEN
        self.shapes = {"X": (STEPS, BATCH, INPUTS), "W": (self.directions, rows, INPUTS), "R": (self.directions, rows, HIDDEN),
                       "B": (self.directions, 2 * rows), "H": (self.directions, BATCH, HIDDEN), "C": (self.directions, BATCH, HIDDEN),
                       "P": (self.directions, 3 * HIDDEN)}
        there = {"B": bias, "H": states, "C": states and kind == "LSTM", "P": peepholes}
        self.values = {k: [short(random.gauss(0, 0.5)) if there.get(k, True) else 0.0 for _ in range(math.prod(s))]
                       for k, s in self.shapes.items()}
        self.names = ["X", "W", "R", "B" if bias else "", "L" if lengths else "", "H" if states else ""]
        self.names += ["C" if there["C"] else "", "P" if peepholes else ""] if kind == "LSTM" else []

    def part(self, name, width, *index):
        at = 0
        for i, size in zip(index, self.shapes[name]):
            at = at * size + i
        return self.values[name][at * width:(at + 1) * width]

    def layer(self, d):
        rows = GATES[self.kind] * HIDDEN
        return {"w": [self.part("W", INPUTS, d, i) for i in range(rows)], "r": [self.part("R", HIDDEN, d, i) for i in range(rows)],
                "wb": self.part("B", 2 * rows, d)[:rows], "rb": self.part("B", 2 * rows, d)[rows:], "p": self.part("P", 3 * HIDDEN, d)}

    def want(self):
        """Y, Y_h and Y_c one after the other."""
        y = [[[[0.0] * HIDDEN for _ in range(BATCH)] for _ in range(self.directions)] for _ in range(STEPS)]
        ends = [[], []]
        for d in range(self.directions):
            layer = self.layer(d)
            for b in range(BATCH):
                h, c = self.part("H", HIDDEN, d, b), self.part("C", HIDDEN, d, b)
                order = list(range(self.lengths[b]))
                if self.direction == "reverse" or d == 1:
                    order.reverse()
                for t in order:
                    h, c = step(self.kind, layer, self.part("X", INPUTS, t, b), h, c, self.last)
                    y[t][d][b] = h
                ends[0] += h
                ends[1] += c
        flat = [v for s in y for d in s for b in d for v in b]
        return flat + ends[0] + (ends[1] if self.kind == "LSTM" else [])

    def write(self, path):
        made = ["Y", "Yh"] + (["Yc"] if self.kind == "LSTM" else [])
        more = {"linear_before_reset": self.last} if self.kind == "GRU" else {}
        nodes = [onnx.node(self.kind, self.names, made, hidden_size=HIDDEN, direction=self.direction, **more)]
        nodes += [onnx.node("Reshape", [m, "flat"], [m + "f"]) for m in made]
        nodes.append(onnx.node("Concat", [m + "f" for m in made], ["out"], axis=0))
        fixed = [n for n in self.names if n and n not in ("X", "L") and (self.given or n not in "WR")]
        constants = [onnx.tensor(n, onnx.FLOAT, self.shapes[n], self.values[n]) for n in fixed]
        constants += [onnx.tensor("flat", onnx.INT64, (1,), [-1]), onnx.tensor("L", onnx.INT32, (BATCH,), self.lengths)]
        inputs = [n for n in ("X", "W", "R") if n not in fixed]
        with open(path, "wb") as f:
            f.write(onnx.model(nodes, [onnx.value(n, onnx.FLOAT, self.shapes[n]) for n in inputs],
                               [onnx.value("out", onnx.FLOAT, [len(self.want())])], constants, 14))
        return [w for n in inputs for w in ("--input", save(n + ".npy", "<f4", self.shapes[n], self.values[n]))]


def short(x):
    """Of float32 without rounding."""
    return round(x * 4096) / 4096


class Tests(Base):
    names = ("lstm", "lstm_both_ways", "gru", "gru_both_ways", "rnn", "without_what_may_be_left_out", "weights_that_are_computed")

    def compare(self, kind, **options):
        case = Case(kind, **options)
        words = case.write("m.onnx")
        self.run("run", "m.onnx", *words, "-o", "y.npy", "--device", "soft")
        want, (_, _, got) = case.want(), load("y.npy")
        worst = max(abs(a - b) for a, b in zip(want, got)) if len(want) == len(got) else math.inf
        self.expect(worst < 1e-6, "%s %s: off by %g" % (kind, options, worst))

    def lstm(self):
        self.compare("LSTM", peepholes=True)
        self.compare("LSTM", peepholes=True, lengths=[4, 1, 3])

    def lstm_both_ways(self):
        for direction in "reverse", "bidirectional":
            self.compare("LSTM", direction=direction, peepholes=True, lengths=[2, 4, 3])

    def gru(self):
        for last in 0, 1:
            self.compare("GRU", last=last)
            self.compare("GRU", last=last, lengths=[4, 1, 3])

    def gru_both_ways(self):
        for direction in "reverse", "bidirectional":
            for last in 0, 1:
                self.compare("GRU", direction=direction, last=last, lengths=[2, 4, 3])

    def rnn(self):
        for direction in "forward", "reverse", "bidirectional":
            self.compare("RNN", direction=direction, lengths=[2, 4, 3])

    def without_what_may_be_left_out(self):
        for kind in GATES:
            self.compare(kind, states=False, bias=False)

    def weights_that_are_computed(self):
        for kind in GATES:
            self.compare(kind, direction="bidirectional", given=False)


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
