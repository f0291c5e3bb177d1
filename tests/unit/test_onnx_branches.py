#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""If: a branch that is known when the session is made, one that is only known in the run, names, and what must be refused.

usage: test_onnx_branches.py XQ... Prints KTAP. Needs nothing but Python.
"""
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

BOOL = 9


def branch(nodes, outputs, constants=()):
    return (b"".join(onnx.field(1, n) for n in nodes) + onnx.field(2, "b") + b"".join(onnx.field(5, c) for c in constants) +
            b"".join(onnx.field(12, onnx.field(1, o)) for o in outputs))


def if_node(condition, yes, no, outputs, name="choice"):
    graphs = [onnx.field(1, n) + onnx.field(6, g) + onnx.field(20, 5) for n, g in (("then_branch", yes), ("else_branch", no)) if g is not None]
    return onnx.node("If", [condition], outputs, name) + b"".join(onnx.field(5, g) for g in graphs)


class Tests(Base):
    names = ("known_before", "known_in_the_run", "shapes_differ", "branches_in_branches", "their_names", "refusals")

    def write(self, nodes, inputs, outputs, constants=()):
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, inputs, outputs, list(constants), 16))

    def outputs(self, *files, rc=0):
        words = [w for f in files for w in ("--input", f)]
        p = self.run("run", "m.onnx", *words, "-o", "y.npy", "--device", "soft", rc=rc)
        return p.stderr if rc else load("y.npy")[1:]

    def known_before(self):
        """The condition comes of an integer that is given: only one branch may be looked at, the other would not fit."""
        two = onnx.tensor("two", onnx.FLOAT, (1, 2), [10.0, 20.0])
        yes = branch([onnx.node("Add", ["x", "two"], ["r"])], ["r"], [two])
        no = branch([onnx.node("Concat", ["x", "x"], ["r"], axis=1)], ["r"])
        self.write([onnx.node("Equal", ["n", "one"], ["c"]), if_node("c", yes, no, ["y"])],
                   [onnx.value("x", onnx.FLOAT, ["r", "k"]), onnx.value("n", onnx.INT64, [])], [onnx.value("y", onnx.FLOAT, ["r", "j"])],
                   [onnx.tensor("one", onnx.INT64, (), [1])])
        save("x.npy", "<f4", (1, 2), [1.0, 2.0])
        for n, want in (1, ((1, 2), (11.0, 22.0))), (0, ((1, 4), (1.0, 2.0, 1.0, 2.0))):
            save("n.npy", "<i8", (), [n])
            self.expect(self.outputs("x.npy", "n.npy") == want, "n %d: %s" % (n, self.outputs("x.npy", "n.npy")))
        # Three columns can't be added to two.
        save("x.npy", "<f4", (1, 3), [1.0, 2.0, 3.0])
        self.expect(self.outputs("x.npy", "n.npy")[0] == (1, 6), "what nobody asks for was looked at")
        shown = self.json("run", "m.onnx", "--input", "x.npy", "--input", "n.npy", "--profile", "--device", "soft")
        self.expect("Add" not in [o["type"] for o in shown["operators"]], "the other branch is computed: %s" % shown["operators"])

    def known_in_the_run(self):
        yes = branch([onnx.node("Neg", ["x"], ["r"]), onnx.node("Abs", ["x"], ["s"])], ["r", "s"])
        no = branch([onnx.node("Exp", ["x"], ["e"]), onnx.node("Floor", ["x"], ["f"])], ["f", "e"])
        self.write([onnx.node("ReduceSum", ["x"], ["sum"], keepdims=0), onnx.node("Greater", ["sum", "zero"], ["c"]),
                    if_node("c", yes, no, ["y", "z"])],
                   [onnx.value("x", onnx.FLOAT, [3])], [onnx.value("y", onnx.FLOAT, [3]), onnx.value("z", onnx.FLOAT, [3])],
                   [onnx.tensor("zero", onnx.FLOAT, (), [0.0])])
        for values, want in ([1.5, -1.0, 2.0], (-1.5, 1.0, -2.0)), ([1.5, -1.0, -2.0], (1.0, -1.0, -2.0)):
            save("x.npy", "<f4", (3,), values)
            self.expect(self.outputs("x.npy") == ((3,), want), "%s: %s" % (values, self.outputs("x.npy")))

    def shapes_differ(self):
        yes, no = branch([onnx.node("Neg", ["x"], ["r"])], ["r"]), branch([onnx.node("Concat", ["x", "x"], ["r"], axis=0)], ["r"])
        self.write([onnx.node("ReduceSum", ["x"], ["sum"], keepdims=0), onnx.node("Greater", ["sum", "zero"], ["c"]), if_node("c", yes, no, ["y"])],
                   [onnx.value("x", onnx.FLOAT, [3])], [onnx.value("y", onnx.FLOAT, ["k"])], [onnx.tensor("zero", onnx.FLOAT, (), [0.0])])
        save("x.npy", "<f4", (3,), [1.0, 2.0, 3.0])
        self.expect("different types or shapes" in self.outputs("x.npy", rc=1), "%s" % self.outputs("x.npy", rc=1))

    def branches_in_branches(self):
        def leaf(value):
            return branch([onnx.node("Add", ["x", "v"], ["r"])], ["r"], [onnx.tensor("v", onnx.FLOAT, (1,), [value])])

        def inner(first, second):
            return branch([if_node("d", leaf(first), leaf(second), ["s"], "inner")], ["s"])

        given = [onnx.value("x", onnx.FLOAT, [1]), onnx.value("a", onnx.INT64, []), onnx.value("b", onnx.INT64, [])]
        self.write([onnx.node("Equal", ["a", "one"], ["c"]), onnx.node("Equal", ["b", "one"], ["d"]),
                    if_node("c", inner(1.0, 2.0), inner(3.0, 4.0), ["y"])], given, [onnx.value("y", onnx.FLOAT, [1])],
                   [onnx.tensor("one", onnx.INT64, (), [1])])
        save("x.npy", "<f4", (1,), [10.0])
        for a, b, want in (1, 1, 11.0), (1, 0, 12.0), (0, 1, 13.0), (0, 0, 14.0):
            save("a.npy", "<i8", (), [a])
            save("b.npy", "<i8", (), [b])
            got = self.outputs("x.npy", "a.npy", "b.npy")
            self.expect(got == ((1,), (want,)), "%d %d: %s" % (a, b, got))

        # Of a branch that is not taken, what is in branches within it is not looked at either.
        two = onnx.tensor("two", onnx.FLOAT, (2,), [1.0, 2.0])
        outer = branch([onnx.node("Add", ["x", "two"], ["z"]), onnx.node("Equal", ["b", "one"], ["e"]),
                        if_node("e", branch([onnx.node("Neg", ["z"], ["r"])], ["r"]), branch([onnx.node("Abs", ["z"], ["r"])], ["r"]), ["s"],
                                "inner")], ["s"], [two])
        self.write([onnx.node("Equal", ["a", "one"], ["c"]), if_node("c", outer, leaf(5.0), ["y"])],
                   [onnx.value("x", onnx.FLOAT, ["k"])] + given[1:], [onnx.value("y", onnx.FLOAT, ["j"])],
                   [onnx.tensor("one", onnx.INT64, (), [1])])
        save("x.npy", "<f4", (3,), [10.0, 20.0, 30.0])
        got = self.outputs("x.npy", "a.npy", "b.npy")
        self.expect(got == ((3,), (15.0, 25.0, 35.0)), "%s" % (got,))

    def their_names(self):
        """A branch may call its own what is something else outside, where it stays so."""
        yes, no = (branch([onnx.node(kind, ["x"], ["t"])], ["t"]) for kind in ("Neg", "Abs"))
        self.write([onnx.node("Add", ["x", "x"], ["t"]), onnx.node("ReduceSum", ["x"], ["sum"], keepdims=0),
                    onnx.node("Greater", ["sum", "zero"], ["c"]), if_node("c", yes, no, ["u"]), onnx.node("Add", ["t", "u"], ["y"])],
                   [onnx.value("x", onnx.FLOAT, [2])], [onnx.value("y", onnx.FLOAT, [2])], [onnx.tensor("zero", onnx.FLOAT, (), [0.0])])
        save("x.npy", "<f4", (2,), [3.0, -1.0])
        self.expect(self.outputs("x.npy") == ((2,), (3.0, -1.0)), "%s" % (self.outputs("x.npy"),))
        # What only a branch has is not there outside.
        self.write([onnx.node("ReduceSum", ["x"], ["sum"], keepdims=0), onnx.node("Greater", ["sum", "zero"], ["c"]),
                    if_node("c", yes, no, ["u"]), onnx.node("Add", ["t", "u"], ["y"])],
                   [onnx.value("x", onnx.FLOAT, [2])], [onnx.value("y", onnx.FLOAT, [2])], [onnx.tensor("zero", onnx.FLOAT, (), [0.0])])
        self.expect("input t is made by no node before it" in self.outputs("x.npy", rc=1), "%s" % self.outputs("x.npy", rc=1))

    def refusals(self):
        good, other = branch([onnx.node("Neg", ["x"], ["r"])], ["r"]), branch([onnx.node("Neg", ["x"], ["r"])], ["r", "r"])
        save("x.npy", "<f4", (2,), [3.0, -1.0])
        head = [onnx.node("ReduceSum", ["x"], ["sum"], keepdims=0), onnx.node("Greater", ["sum", "zero"], ["c"])]
        deep = good
        for _ in range(14):
            deep = branch([if_node("c", deep, good, ["r"])], ["r"])
        for condition, yes, no, sentence in (
                ("c", None, good, "it has no then_branch"), ("c", good, other, "its else_branch has 0 inputs and 2 outputs, not 0 and 1"),
                ("c", good, branch([], ["q"]), "output q of its else_branch is made by no node"), ("c", deep, good, "it is in 12 branches"),
                ("sum", good, good, "bool")):
            self.write(head + [if_node(condition, yes, no, ["y"])], [onnx.value("x", onnx.FLOAT, [2])], [onnx.value("y", onnx.FLOAT, [2])],
                       [onnx.tensor("zero", onnx.FLOAT, (), [0.0])])
            got = self.outputs("x.npy", rc=1)
            self.expect(sentence in got and got.count("\n") == 1, "%s: %s" % (sentence, got))
        with open("m.onnx", "rb") as f:
            whole = f.read()
        for _ in range(60):
            broken = bytearray(whole)
            broken[random.randrange(len(broken))] ^= 1 << random.randrange(8)
            with open("m.onnx", "wb") as f:
                f.write(broken)
            p = subprocess.run([self.xq, "run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft"], capture_output=True,
                               check=False)
            self.expect(p.returncode in (0, 1), "exit status %d: %r" % (p.returncode, p.stderr))


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
