#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""figures.py [--write DOCUMENTATION] BUILD LOGS...: what the tests of a campaign counted, by kernel and test.

A figure is a comment of a test's KTAP that has a number in it. With --write it goes into the tables of
Documentation/testing.rst: campaign.csv (tests that count), kselftests.csv (the others), and the last column of promises.csv.
What a test counted stays as long as it was not run again; in campaign.csv the column "Tree" says of what it is.
"""

import argparse
import csv
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ktap"))

import ktap

FIGURE = re.compile(r"^\s*# (?!\S+\.[ch]:\d+:Expected|tree: )(?:\S+\.[ch]:\d+:)?(.*\d.*)$")
RESULT = re.compile(r"^\s*(not ok|ok) \d+ ([^#]*)(?:# (SKIP).*)?$")
TREE = re.compile(r"^# tree: (.*)$")
MACHINES = {"plain": "", "IOMMU": "--iommu", "bounce memory": "swiotlb"}
# What is counted by tests that are run as a whole: the unit, and where the number stands.
COUNTED = {"stress": ("jobs exact", r"(\d+) jobs of \d+ processes exact"), "fuzz": ("calls", r"(\d+) calls"),
           "reload": ("loads", r"loaded (\d+) times"), "uring_end": ("rounds", r"(\d+) rounds")}


@dataclass
class Log:
    """One test on one machine."""

    name: str
    kernel: str
    machine: str
    tree: str = ""
    summary: ktap.Summary = None
    figures: list = field(default_factory=list)  # (test inside, text)
    results: dict = field(default_factory=dict)  # test inside -> "ok", "not ok", "SKIP"

    @property
    def program(self):
        return self.name.partition("-")[0]

    @property
    def verdict(self):
        text = f"{self.summary.passed}"
        if self.summary.skipped:
            text += f" and {self.summary.skipped} skipped"
        return text + (f", **{self.summary.failed} failed**" if self.summary.failed else "")


def read(path, build):
    kernel, _, name = path.stem.removeprefix("VM-").partition("-xq-test-")
    if not name:
        return None
    name, _, options = name.partition("---")
    release = build / f"kernel-{kernel}" / "release"
    machine = next(word for word in reversed(MACHINES) if MACHINES[word] in options)
    log = Log(name, release.read_text().strip() if release.exists() else kernel, machine)
    lines = path.read_text(errors="replace").splitlines()
    log.summary = ktap.parse(lines)
    waiting = []
    for line in lines:
        figure, result, tree = FIGURE.match(line), RESULT.match(line), TREE.match(line)
        if tree:
            log.tree = tree[1]
        elif figure:
            waiting.append(figure[1])
        elif result:
            inside = result[2].strip()
            log.results[inside] = result[3] or result[1]
            log.figures += [(inside, text) for text in waiting]
            waiting = []
    return log


def joined(logs):
    """Those of one test that ran in parts, each in a machine of its own, are one."""
    whole = {}
    for log in logs:
        first = whole.setdefault((log.name, log.kernel, log.machine, log.tree), log)
        if first is log:
            continue
        first.summary.passed += log.summary.passed
        first.summary.failures += log.summary.failures
        first.summary.skips += log.summary.skips
        first.figures += log.figures
        first.results |= log.results
    return list(whole.values())


def print_all(logs):
    for log in logs:
        print(f"{log.name} on {log.kernel}, {log.machine}, {log.tree}: {log.verdict} passed")
        for inside, text in log.figures:
            print(f"    {inside}: {text}")


# ---- tables --------------------------------------------------------------------------------------------

def write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def is_fail_nth(program):
    """fail_nth and those that are like it; their tests are all of its fixture."""
    return program.startswith("fail_nth")


def is_counted(log):
    if log.program == "uring_end":
        return bool(log.figures)    # it counts only in a campaign
    return log.program in COUNTED and log.name != "stress" or log.program == "kunit" or is_fail_nth(log.program)


def campaign_rows(logs):
    yield "Test", "Kernel", "Passed", "Tree", "Figures"
    for log in filter(is_counted, logs):
        if is_fail_nth(log.program):
            counts = [(inside.removeprefix("fail_nth."), re.search(r"(\d+) places failed: (\d+) refusals", text))
                      for inside, text in log.figures]
            text = ", ".join(f"{inside} {count[1]} places ({count[2]} refusals)" for inside, count in counts if count)
        elif log.program == "kunit":
            text = ""
        elif log.program == "uring_end":
            text = ", ".join(f"{inside.partition('.')[2]} {text}" for inside, text in log.figures)
        else:
            text = "; ".join(text for _, text in log.figures)
        yield log.name, log.kernel, log.verdict, log.tree, text


def kselftest_rows(path, logs):
    """Over what the file has."""
    with open(path, encoding="utf-8", newline="") as file:
        cells = {(row["Program"], column): text for row in csv.DictReader(file)
                 for column, text in row.items() if column != "Program" and text}
    cells |= {(log.name, f"{log.kernel}, {log.machine}"): log.verdict for log in logs if not is_counted(log)}
    columns = sorted({column for _, column in cells}, reverse=True)
    yield "Program", *columns
    for name in sorted({name for name, _ in cells}):
        yield name, *(cells.get((name, column), "") for column in columns)


def sum_of(logs, pattern):
    found = (re.search(pattern, text) for log in logs for _, text in log.figures)
    return sum(int(match[1]) for match in found if match)


def figure_of(test, logs):
    """(what is told of a promise's test, or None, how often it passed)"""
    program, _, inside = test.partition(".")
    mine = [log for log in logs if log.name == program]
    if any(log.summary.failed for log in mine if not inside):
        return f"**{test} failed**", 0
    if not inside:
        unit, pattern = COUNTED.get(program.partition("-")[0], (None, None))
        if program == "stress" or not unit:
            return None, sum(bool(log.summary.passed) for log in mine)
        return f"{program}: {sum_of(mine, pattern):,} {unit}", len(mine)
    results = [result for log in mine for name, result in log.results.items() if re.fullmatch(rf"(\w+\.)?{inside}", name)]
    if "not ok" in results:
        return f"**{test} failed**", 0
    if is_fail_nth(program):
        places = [text for log in mine for name, text in log.figures
                  if name.partition(".")[2] == inside and "places failed" in text]
        return f"{test}: {places[0].split()[0]} places" if places else None, len(places)
    return None, results.count("ok")


def promise_figure(tests, logs):
    told, times = [], []
    for test in tests:
        text, passed = figure_of(test, logs)
        if not passed:
            told.append(text if text and "failed" in text else f"{test}: not run")
        elif text:
            told.append(text)
        else:
            times.append(passed)
    if not times and all("not run" in text for text in told):
        return None
    if times:
        count = f"{min(times)}" if min(times) == max(times) else f"{min(times)} to {max(times)}"
        told.insert(0, f"{'each ' if len(times) > 1 else ''}passed {count} {'time' if count == '1' else 'times'}")
    return "; ".join(told)


def with_earlier(path, rows):
    """These rows, and those of the file whose test was not run now."""
    head, *rows = rows
    now = {tuple(row[:2]) for row in rows}
    with open(path, encoding="utf-8", newline="") as file:
        rows += [row for row in list(csv.reader(file))[1:] if tuple(row[:2]) not in now]
    return [head, *sorted(rows, key=lambda row: (row[1], row[0]), reverse=True)]


def write_tables(folder, logs):
    write_csv(folder / "campaign.csv", with_earlier(folder / "campaign.csv", campaign_rows(logs)))
    write_csv(folder / "kselftests.csv", list(kselftest_rows(folder / "kselftests.csv", logs)))
    with open(folder / "promises.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    write_csv(folder / "promises.csv", [("Promise", "Tests", "Last campaign")] + [
        (row["Promise"], row["Tests"], promise_figure(row["Tests"].split(), logs) or row["Last campaign"]) for row in rows])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="DOCUMENTATION")
    parser.add_argument("build", type=Path)
    parser.add_argument("logs", type=Path, nargs="+")
    options = parser.parse_args()
    paths = [path for folder in options.logs for path in sorted(folder.glob("VM-*.ktap"))]
    logs = joined([log for log in (read(path, options.build) for path in paths) if log])
    print_all(logs)
    if options.write:
        write_tables(options.write, logs)


if __name__ == "__main__":
    main()
