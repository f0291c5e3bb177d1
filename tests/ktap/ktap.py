# SPDX-License-Identifier: GPL-2.0
"""Reads KTAP (and TAP 13 and 14): counts the results and finds what is wrong with the output itself.

Only leaves count: the result line of a test that has subtests repeats them. A missing or wrong plan, a bail-out and
results out of sequence are failures of their own, because a program that stops early must not look like success.
"""

import re
from dataclasses import dataclass, field

RESULT = re.compile(r"(not ok|ok)\b *(\d+)?(?:\s+(?:- )?([^#]*?))?\s*(?:#\s*(\S+)\s*(.*))?$", re.ASCII)
PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*(\w+)\s*(.*))?$")
# A failure is told with the first line that the test said of it. What came before RUN is of something else.
SAID = re.compile(r"#\s*(?!Subtest|RUN |OK |FAIL )(\S.*)$")
RUN = re.compile(r"#\s*RUN ")
# Of a program that something else kept from running.
ABSENT = "did not run"


@dataclass
class Summary:
    passed: int = 0
    failures: list = field(default_factory=list)  # sentences
    skips: list = field(default_factory=list)  # (name, reason)

    @property
    def failed(self):
        return len(self.failures)

    @property
    def skipped(self):
        return len(self.skips)

    def add(self, other, prefix=""):
        self.passed += other.passed
        self.failures += [prefix + text for text in other.failures]
        self.skips += [(prefix + name, reason) for name, reason in other.skips]


@dataclass
class Level:
    """One list of tests: the top, or the subtests of one test."""

    plan: int = None
    seen: int = 0
    leaves: Summary = field(default_factory=Summary)


def indentation(line):
    return (len(line) - len(line.lstrip(" "))) // 2


class Parser:
    def __init__(self):
        self.levels = [Level()]
        self.bailed = None
        self.said = None

    def line(self, line):
        depth = indentation(line)
        text = line.strip()
        plan = PLAN.match(text)
        result = RESULT.match(text)
        if text.startswith("Bail out!"):
            self.bailed = text[9:].strip() or "no reason given"
        elif plan:
            self.open(depth)
            self.take_plan(int(plan[1]), plan[2], plan[3])
        elif result and (result[2] or result[3]):
            self.take_result(depth, *result.groups())
            self.said = None
        elif RUN.match(text):
            self.said = None
        elif said := SAID.match(text):
            self.said = self.said or said[1]

    def open(self, depth):
        while len(self.levels) - 1 < depth:
            self.levels.append(Level())

    def take_plan(self, count, directive, reason):
        level = self.levels[-1]
        if level.plan is not None:
            level.leaves.failures.append("a second plan")
        level.plan = count
        if count == 0:
            level.leaves.skips.append(("all", reason or "no reason given"))

    def take_result(self, depth, verdict, number, name, directive, reason):
        self.open(depth)
        children = None
        while len(self.levels) - 1 > depth:
            children = self.close(children)
        level = self.levels[-1]
        level.seen += 1
        name = (name or "").strip() or f"test {number}"
        if number and int(number) != level.seen:
            level.leaves.failures.append(f"{name}: has number {number}, expected {level.seen}")
            level.seen = int(number)
        directive = (directive or "").upper()
        if directive == "SKIP":
            level.leaves.skips.append((name, reason or "no reason given"))
        elif children is not None:
            level.leaves.add(children, f"{name}: ")
            if verdict != "ok" and not children.failures:
                level.leaves.failures.append(name)
        elif verdict == "ok":
            level.leaves.passed += 1
        elif directive == "TODO":
            level.leaves.skips.append((name, "TODO " + (reason or "")))
        else:
            level.leaves.failures.append(f"{name} ({self.said})" if self.said else name)

    def close(self, inner=None):
        """Ends the deepest level and returns its leaves."""
        level = self.levels.pop()
        if inner is not None:
            level.leaves.add(inner)
        self.check_plan(level)
        return level.leaves

    @staticmethod
    def check_plan(level):
        if level.plan is None:
            level.leaves.failures.append("no plan (did not start, or stopped early)")
        elif level.plan != level.seen:
            level.leaves.failures.append(f"planned {level.plan} tests, {level.seen} reported")

    def finish(self):
        inner = None
        while len(self.levels) > 1:
            inner = self.close(inner)
            inner.failures.append("subtests without a result of their own")
        leaves = self.close(inner)
        if self.bailed is not None:
            leaves.failures.append(f"bailed out: {self.bailed}")
        return leaves


def parse(lines):
    parser = Parser()
    for line in lines:
        parser.line(line.rstrip("\r\n"))
    return parser.finish()
