#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""document.py BENCH DOCUMENTATION: puts the last run of `make bench` (BENCH/gemm.json, BENCH/roofline.svg) into
DOCUMENTATION/performance.rst, between its two markers, in ratios; and the picture beside it."""

import itertools
import json
import re
import shutil
import sys
from pathlib import Path

BEGIN = ".. The tables from here on are made by `make bench-doc`."
END = ".. The tables end here."


def ratio(contestant):
    return f"{contestant['ratio']['median']:.2f}" if contestant else ""


def spread(row):
    ours = row["ours"]
    return f"{100 * ours['min'] / ours['median'] - 100:+.0f} / {100 * ours['max'] / ours['median'] - 100:+.0f} %"


def share(row):
    if "limit" not in row:
        return ""
    text = f"{100 * row['limit']['ratio']['median']:.1f} %"
    target = row["targets"]["share"]
    return f"{text} ({100 * target:.0f} %)" if target else text


def gain(row):
    if "baseline" not in row:
        return ""
    return f"{row['baseline']['ratio']['median']:.2f} times {row['baseline']['name']} ({row['targets']['gain']:g})"


def xnnpack(row):
    found = [row[name] for name in ("XNNPACK qd8-f32-qc4w", "XNNPACK qs8-qc8w") if name in row]
    return ratio(found[0]) if found else ""


def cells(row):
    work = f"{row['a']} x {row['b']}"
    shape = f"{row['m']} x {row['n']} x {row['k']}"
    if "ours" not in row:
        return [work, shape, row["reason"], "", "", "", "", row["verdict"]]
    return [work, shape, share(row), spread(row), ratio(row.get("oneDNN u8s8s32")), xnnpack(row), gain(row),
            row["verdict"]]


def table(head, rows):
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [head, *rows]:
        for i, cell in enumerate(row):
            lines.append(f"   {'* -' if i == 0 else '  -'} {cell}".rstrip())
    return lines + [""]


def sections(rows):
    head = ["work", "M x N x K", "share of the limit (target)", "slowest / fastest round", "to oneDNN", "to XNNPACK",
            "gain (target)", "target"]
    lines = []
    for name, members in itertools.groupby(rows, lambda row: row["section"]):
        members = list(members)
        limits = sorted({row["limit"]["name"] for row in members if "limit" in row})
        lines += [name[0].upper() + name[1:], "~" * len(name), ""]
        if limits:
            lines += [f"The limit: {', '.join(limits)}.", ""]
        lines += table(head, [cells(row) for row in members])
    return lines


def summary(rows):
    judged = [row for row in rows if row["verdict"] == "met" or row["verdict"].startswith("missed")]
    met = sum(row["verdict"] == "met" for row in judged)
    text = f"{met} of {len(judged)} rows with targets meet all of theirs"
    for word, key, of in (("share", "share", "limit"), ("peer", "peer", None), ("gain", "gain", "baseline")):
        having = [row for row in judged if row["targets"][key] and (of is None or of in row)]
        good = sum(word not in row["verdict"] for row in having)
        text += f"; {good} of {len(having)} their {word}"
    return text + "."


def peer_version(name, status):
    """XNNPACK's two formats are one library, whose version is in the library's name."""
    found = re.search(r"\d+(\.\d+)*$", status.split(" NO_")[0])
    return f"{name.split()[0]} {found.group(0) if found else status}"


def machine(data):
    system = [part for part in data["machine"]["system"].split(", ") if not part.startswith("Linux")]
    rates = {}
    for row in data["rows"]:
        if "limit" in row and row["threads"] == 1:
            rates.setdefault(row["limit"]["name"], row["limit"]["median"])
    dot = next(iter(rates.values()), 0)
    others = [f"{name} {rate / dot:.2f}" for name, rate in rates.items() if name != "reading the weights"]
    present = dict.fromkeys(peer_version(name, peer["status"]) for name, peer in data["peers"].items() if peer["present"])
    absent = [f"{name} ({peer['status']})" for name, peer in data["peers"].items() if not peer["present"]]
    lines = [f"CPU: {data['machine']['cpu']}, {', '.join(system)}; kernels: {data['machine']['isa']}. "
             f"Issue rates in multiply-accumulates, relative to the first: {', '.join(others)}. "
             f"Peers: {', '.join(present) or 'none'}."]
    if absent:
        lines += ["", f"Peers that could not be had: {', '.join(absent)}."]
    return lines + ["", summary(data["rows"]), ""]


def main():
    bench, documentation = Path(sys.argv[1]), Path(sys.argv[2])
    data = json.loads((bench / "gemm.json").read_text(encoding="utf-8"))
    if len(data["rows"]) < data["rows_there_are"]:
        sys.exit(f"{bench}/gemm.json has {len(data['rows'])} of {data['rows_there_are']} rows: run `make bench` "
                 "without -r, or the page would lose the others")
    page = documentation / "performance.rst"
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    body = "\n".join(machine(data) + sections(data["rows"]))
    page.write_text(f"{before}{BEGIN}\n\n{body}\n{END}{after}", encoding="utf-8")
    shutil.copyfile(bench / "roofline.svg", documentation / "performance-roofline.svg")
    print(page)


if __name__ == "__main__":
    main()
