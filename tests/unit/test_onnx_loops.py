#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Loop and Scan against plain loops: what ends them, what they carry and collect, bodies in bodies.

usage: test_onnx_loops.py XQ... Prints KTAP. Needs nothing but Python.
"""
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_file as onnx  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

BOOL = 9
F, I = onnx.FLOAT, onnx.INT64


def graph(nodes, inputs, outputs, constants=()):
    """Inputs and outputs are names, or (name, type, shape)."""
    def values(number, names):
        made = [onnx.field(1, n) if isinstance(n, str) else onnx.value(*n) for n in names]
        return b"".join(onnx.field(number, m) for m in made)

    return (b"".join(onnx.field(1, n) for n in nodes) + onnx.field(2, "b") +
            b"".join(onnx.field(5, c) for c in constants) + values(11, inputs) +
            values(12, outputs))


def with_graph(node, name, body):
    return node + onnx.field(5, onnx.field(1, name) + onnx.field(6, body) + onnx.field(20, 5))


def loop(inputs, outputs, body):
    return with_graph(onnx.node("Loop", inputs, outputs, "again"), "body", body)


def scan(inputs, outputs, body, **attributes):
    return with_graph(onnx.node("Scan", inputs, outputs, "along", **attributes), "body", body)


def truth(name, value):
    return onnx.field(2, BOOL) + onnx.field(8, name) + onnx.field(9, bytes([value]))


def number(name, value):
    return onnx.tensor(name, I, (), [value])


class Tests(Base):
    names = ("times", "exchange", "ends_early", "ends_by_its_values", "no_condition",
             "loops_in_loops", "branches", "not_at_all", "scans", "many_passes", "on_the_device",
             "refusals")

    def write(self, nodes, inputs, outputs, constants=()):
        with open("m.onnx", "wb") as f:
            f.write(onnx.model(nodes, [onnx.value(*i) for i in inputs],
                               [onnx.value(*o) for o in outputs], list(constants), 17))

    def compute(self, x, shape, outputs=1, files=()):
        save("x.npy", "<f4", shape, x)
        words = [w for i in range(outputs) for w in ("-o", "y%d.npy" % i)]
        words += [w for f in files for w in ("--input", f)]
        self.run("run", "m.onnx", "--input", "x.npy", *words, "--device", "soft")
        return [load("y%d.npy" % i)[1:] for i in range(outputs)]

    def same(self, got, *want):
        self.expect(got == list(want), "%s, not %s" % (got, list(want)))

    def refuse(self, words):
        save("x.npy", "<f4", (2,), [1.0, 2.0])
        p = self.run("run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "--device", "soft", rc=1)
        self.expect(words in p.stderr, "%r, not %r" % (p.stderr, words))

    def times(self):
        """s = x + 0 + 1 + .., of which all are collected; the number is given with the inputs."""
        body = graph([onnx.node("Cast", ["i"], ["r"], to=F), onnx.node("Add", ["s", "r"], ["t"]),
                      onnx.node("Mul", ["t", "x"], ["u"]), onnx.node("Identity", ["c"], ["d"])],
                     ["i", "c", "s"], ["d", "t", "u"])
        self.write([loop(["n", "yes", "x"], ["y", "z"], body)], [("x", F, [2]), ("n", I, [])],
                   [("y", F, [2]), ("z", F, ["n", 2])], [truth("yes", 1)])
        x = [1.5, -2.0]
        for n in 1, 2, 5, 40:
            save("n.npy", "<i8", (), [n])
            sums = [[v + i * (i + 1) / 2 for v in x] for i in range(n)]
            want = tuple(s * v for row in sums for s, v in zip(row, x))
            self.same(self.compute(x, (2,), 2, ["n.npy"]), ((2,), tuple(sums[-1])), ((n, 2), want))

    def exchange(self):
        """Fibonacci: both that are carried change at once."""
        body = graph([onnx.node("Add", ["a", "b"], ["s"])], ["i", "c", "a", "b"], ["c", "b", "s"])
        self.write([loop(["n", "", "x", "x"], ["y", "z"], body)], [("x", F, [1])],
                   [("y", F, [1]), ("z", F, [1])], [number("n", 10)])
        self.same(self.compute([1.0], (1,), 2), ((1,), (89.0,)), ((1,), (144.0,)))

    def ends_early(self):
        """The condition follows from the number of the pass."""
        body = graph([onnx.node("Add", ["s", "one"], ["t"]),
                      onnx.node("Less", ["i", "last"], ["d"])],
                     ["i", "c", "s"], ["d", "t", "t"], [number("last", 3)])
        for times in "n", "":
            self.write([loop([times, "yes", "x"], ["y", "z"], body)], [("x", F, [1])],
                       [("y", F, [1]), ("z", F, ["k", 1])],
                       [number("n", 9), truth("yes", 1), onnx.tensor("one", F, (1,), [1.0])])
            self.same(self.compute([0.5], (1,), 2), ((1,), (4.5,)), ((4, 1), (1.5, 2.5, 3.5, 4.5)))

    def ends_by_its_values(self):
        """x doubles until its sum is 100 or more: known in the run only."""
        body = graph([onnx.node("Add", ["s", "s"], ["t"]),
                      onnx.node("ReduceSum", ["t"], ["sum"], keepdims=0),
                      onnx.node("Less", ["sum", "most"], ["d"])],
                     ["i", "c", "s"], ["d", "t"], [onnx.tensor("most", F, (), [100.0])])
        self.write([onnx.node("ReduceSum", ["x"], ["all"], keepdims=0),
                    onnx.node("Greater", ["all", "zero"], ["begin"]),
                    loop(["n", "begin", "x"], ["y"], body)], [("x", F, [2])], [("y", F, [2])],
                   [number("n", 12), onnx.tensor("zero", F, (), [0.0])])
        for x in [1.0, 2.0], [3.0, 90.0], [-5.0, 2.0], [0.001, 0.0]:
            want, passes = x, 0
            while passes < 12 and sum(want) < 100 and (passes or sum(x) > 0):
                want, passes = [2 * v for v in want], passes + 1
            got = self.compute(x, (2,))[0][1]
            self.expect(all(abs(g - w) <= 1e-6 * abs(w) for g, w in zip(got, want)),
                        "%s: %s, not %s" % (x, got, want))

    def no_condition(self):
        """Then what the body says of it is nothing."""
        body = graph([onnx.node("Add", ["s", "s"], ["t"])], ["i", "c", "s"], ["no", "t"],
                     [truth("no", 0)])
        for condition, want in ("", 8.0), ("yes", 2.0):
            self.write([loop(["n", condition, "x"], ["y"], body)], [("x", F, [1])], [("y", F, [1])],
                       [number("n", 3), truth("yes", 1)])
            self.same(self.compute([1.0], (1,)), ((1,), (want,)))

    def loops_in_loops(self):
        """y = sum of i * j, where the inner loop goes as often as the outer one has gone before."""
        inner = graph([onnx.node("Mul", ["i", "j"], ["m"]), onnx.node("Cast", ["m"], ["f"], to=F),
                       onnx.node("Add", ["t", "f"], ["u"])], ["j", "e", "t"], ["e", "u"])
        outer = graph([loop(["i", "", "s"], ["r"], inner)], ["i", "c", "s"], ["c", "r", "r"])
        self.write([loop(["n", "", "x"], ["y", "z"], outer)], [("x", F, [1])],
                   [("y", F, [1]), ("z", F, [5, 1])], [number("n", 5)])
        want, sums = 0.25, []
        for i in range(5):
            want += sum(i * j for j in range(i))
            sums.append(want)
        self.same(self.compute([0.25], (1,), 2), ((1,), (want,)), ((5, 1), tuple(sums)))

    def branches(self):
        """An If in a body, by the number of the pass and by what is carried; a Loop in an If."""
        def leaf(nodes, name):
            return graph(nodes, [], [name])

        def choice(condition, yes, no, output):
            node = onnx.node("If", [condition], [output])
            return with_graph(with_graph(node, "then_branch", yes), "else_branch", no)

        yes = leaf([onnx.node("Add", ["s", "x"], ["r"])], "r")
        no = leaf([onnx.node("Sub", ["s", "x"], ["r"])], "r")
        # What no pass asks for could not even be added.
        never = leaf([onnx.node("Add", ["s", "three"], ["r"])], "r")
        same = leaf([onnx.node("Identity", ["t0"], ["r"])], "r")
        known = [onnx.node("Equal", ["i", "one"], ["q"]), choice("q", yes, no, "t0"),
                 onnx.node("Equal", ["i", "n"], ["q1"]), choice("q1", never, same, "t")]
        tall = [onnx.node("ReduceSum", ["s"], ["q1"], keepdims=0),
                onnx.node("Greater", ["q1", "ten"], ["q"]), choice("q", no, yes, "t")]
        constants = [number("n", 4), number("one", 1), onnx.tensor("ten", F, (), [10.0]),
                     onnx.tensor("three", F, (3,), [1.0] * 3)]
        for nodes in known, tall:
            body = graph(nodes, ["i", "c", "s"], ["c", "t"])
            inside = leaf([loop(["n", "", "x"], ["w"], body)], "w")
            other = leaf([onnx.node("Neg", ["x"], ["w"])], "w")
            for outer in False, True:
                top = [onnx.node("ReduceSum", ["x"], ["all"], keepdims=0),
                       onnx.node("Greater", ["all", "ten"], ["large"]),
                       choice("large", other, inside, "y")]
                self.write(top if outer else [loop(["n", "", "x"], ["y"], body)], [("x", F, [2])],
                           [("y", F, [2])], constants)
                x = [1.0, 2.0]
                s = list(x)
                for i in range(4):
                    up = i == 1 if nodes is known else sum(s) <= 10
                    s = [a + b if up else a - b for a, b in zip(s, x)]
                self.same(self.compute(x, (2,)), ((2,), tuple(s)))

    def not_at_all(self):
        body = graph([onnx.node("Add", ["s", "s"], ["t"])], ["i", "c", "s"],
                     ["c", "t", ("t", F, [2])])
        outputs = [("y", F, [2]), ("z", F, ["k", 2])]
        self.write([loop(["n", "", "x"], ["y", "z"], body)], [("x", F, [2])], outputs,
                   [number("n", 0)])
        self.same(self.compute([1.0, 2.0], (2,), 2), ((2,), (1.0, 2.0)), ((0, 2), ()))

    def scans(self):
        """Sums along any axis, forwards and backwards, of two tensors."""
        body = graph([onnx.node("Add", ["a", "b"], ["p"]), onnx.node("Add", ["s", "p"], ["t"]),
                      onnx.node("Neg", ["p"], ["q"])], ["s", "a", "b"], ["t", "q"])
        for _ in range(12):
            rows, columns = random.randrange(1, 70), random.randrange(1, 4)
            axis, out_axis = random.randrange(-2, 2), random.randrange(-2, 2)
            back = [random.randrange(2) for _ in range(3)]
            shape = [columns, columns]
            shape[axis] = rows
            self.write([scan(["zero", "x", "x"], ["y", "z"], body, num_scan_inputs=2,
                             scan_input_axes=[axis, axis], scan_input_directions=back[:2],
                             scan_output_axes=[out_axis], scan_output_directions=back[2:])],
                       [("x", F, shape)], [("y", F, [columns]), ("z", F, ["h", "w"])],
                       [onnx.tensor("zero", F, (columns,), [0.0] * columns)])
            x = [float(random.randrange(-20, 20)) for _ in range(rows * columns)]

            def at(r, c):
                return x[r * columns + c] if axis % 2 == 0 else x[c * rows + r]

            pairs = [[at(rows - 1 - r if back[0] else r, c) + at(rows - 1 - r if back[1] else r, c)
                      for c in range(columns)] for r in range(rows)]
            made = [[-v for v in row] for row in (pairs[::-1] if back[2] else pairs)]
            flat = [v for row in made for v in row]
            if out_axis % 2:
                flat = [made[r][c] for c in range(columns) for r in range(rows)]
            to = (columns, rows) if out_axis % 2 else (rows, columns)
            self.same(self.compute(x, shape, 2),
                      ((columns,), tuple(sum(p[c] for p in pairs) for c in range(columns))),
                      (to, tuple(flat)))

    def many_passes(self):
        """More than fit into one concatenation of concatenations."""
        body = graph([onnx.node("Add", ["s", "x"], ["t"])], ["i", "c", "s"], ["c", "t", "t"])
        self.write([loop(["n", "", "x"], ["y", "z"], body)], [("x", F, [1])],
                   [("y", F, [1]), ("z", F, [1500, 1])], [number("n", 1500)])
        self.same(self.compute([2.0], (1,), 2), ((1,), (3002.0,)),
                  ((1500, 1), tuple(2.0 * (i + 2) for i in range(1500))))

    def on_the_device(self):
        """Products of integers in a body are those of any other place."""
        w = [random.randrange(-9, 10) for _ in range(12)]
        constants = [onnx.tensor("w", onnx.INT8, (4, 3), w), onnx.tensor("z", onnx.UINT8, (), [3])]
        body = graph([onnx.node("MatMulInteger", ["a", "w", "z"], ["p"]),
                      onnx.node("Add", ["s", "p"], ["t"])], ["s", "a"], ["t", "p"])
        self.write([scan(["zero", "x"], ["y", "all"], body, num_scan_inputs=1)],
                   [("x", onnx.UINT8, [5, 2, 4])],
                   [("y", onnx.INT32, [2, 3]), ("all", onnx.INT32, [5, 2, 3])],
                   constants + [onnx.tensor("zero", onnx.INT32, (2, 3), [0] * 6)])
        x = [random.randrange(256) for _ in range(40)]
        save("x.npy", "|u1", (5, 2, 4), x)
        self.run("run", "m.onnx", "--input", "x.npy", "-o", "y.npy", "-o", "all.npy", "--device",
                 "soft")
        want = [sum((x[r * 4 + k] - 3) * w[k * 3 + n] for k in range(4))
                for r in range(10) for n in range(3)]
        sums = [sum(want[i::6]) for i in range(6)]
        self.same([load("y.npy")[2], load("all.npy")[2]], tuple(sums), tuple(want))
        shown = self.json("show", "m.onnx", "--device", "soft")["operators"]
        places = [o["where"] for o in shown if o["type"] == "MatMulInteger"]
        self.expect(places == ["device"] * 5, "the products run: %s" % places)

    def refusals(self):
        plain = graph([onnx.node("Add", ["s", "s"], ["t"])], ["i", "c", "s"], ["c", "t"])
        both = graph([onnx.node("Add", ["s", "s"], ["t"]),
                      onnx.node("ReduceSum", ["t"], ["sum"], keepdims=0),
                      onnx.node("Less", ["sum", "x0"], ["d"])], ["i", "c", "s"], ["d", "t", "t"])
        x0 = onnx.tensor("x0", F, (), [1.0])
        count = [onnx.node("ReduceSum", ["x"], ["f"], keepdims=0),
                 onnx.node("Cast", ["f"], ["n"], to=I)]
        late, empty = "only known when the network runs", graph([], ["s", "a"], ["s"])
        for nodes, outputs, words in (
                (count + [loop(["n", "", "x"], ["y"], plain)], 1, late),
                ([loop(["k", "yes", "x"], ["y", "z"], both)], 2, late),
                ([loop(["", "", "x"], ["y"], plain)], 1, "too many operators"),
                ([onnx.node("Loop", ["k", "", "x"], ["y"])], 1, "it has no body"),
                ([loop(["k", "", "x", "x"], ["y"], plain)], 1, "and it carries 2 tensors"),
                ([loop(["k", "", "x"], ["y", "z"], plain)], 2, "2 outputs, its body has 1"),
                ([scan(["x", "x"], ["y"], plain, num_scan_inputs=3)], 1, "it scans 3 of 2 tensors"),
                ([scan(["x", "x", "w"], ["y"], graph([], ["s", "a", "b"], ["s"]),
                       num_scan_inputs=2)], 1, "it scans 2 and 3 elements at the same time"),
                ([scan(["x", "x"], ["y"], empty, num_scan_inputs=1, scan_input_directions=[2])], 1,
                 "direction 2")):
            ends = [("y", F, ["a"]), ("z", F, ["a", "b"])][:outputs]
            self.write(nodes, [("x", F, [2])], ends,
                       [x0, number("k", 3), truth("yes", 1), onnx.tensor("w", F, (3,), [1.0] * 3)])
            self.refuse(words)


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
