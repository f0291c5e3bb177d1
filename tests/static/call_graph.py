#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""call_graph.py MODULE: which file of the driver calls which, by the symbols of its objects, and that calls go one way.

ORDER has the files from the outermost to the innermost. A file uses those after it; what goes the other way is in UPWARD
with the reason, and must still be there. So there is no circle but through those: the files of CIRCLE can reach each other,
and no others. MODULE is the folder of a built module. Prints KTAP.
"""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ORDER = """
module
pci platform bus core debugfs chrdev sysfs ioctl info fdinfo
uring uring_command submit wait cancel job_make program_run program_record buffer_ioctl buffer_export buffer_mmap client program buffer user context
invalidate
watchdog recovery suspend irq reset coredump snapshot
scheduler queue dma_sync job fence reservation job_overlap eventfd
kept buffer_pages buffer_user buffer_import mmu account fair caps power job_check job_memory timeout fault trace refs workqueue
""".split()

UPWARD = {
    ("job", "scheduler"): "the way up: xqaccel_sched_left(), the one place where a job comes off its lane",
}

CIRCLE = {"scheduler", "queue", "job"}


def edges_of(objects):
    defined, wanted = {}, defaultdict(set)
    for path in objects:
        out = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout
        for line in out.splitlines():
            *_, kind, name = line.split()
            if kind == "U":
                wanted[path.stem].add(name)
            elif kind.isupper():
                defined[name] = path.stem
    edges = defaultdict(set)
    for user, names in wanted.items():
        for name in names:
            if name in defined and defined[name] != user:
                edges[user, defined[name]].add(name)
    return edges


def complaints(edges, files, order, upward):
    """What is wrong, as sentences."""
    wrong = [f"{name} has no place in ORDER" for name in sorted(files - set(order))]
    wrong += [f"{name} of ORDER is no file" for name in sorted(set(order) - files)]
    place = {name: i for i, name in enumerate(order)}
    back = {edge for edge in edges if place.get(edge[0], 0) > place.get(edge[1], len(order))}
    wrong += [f"{a}.c calls {b}.c, which is further out: {', '.join(sorted(edges[a, b]))}" for a, b in sorted(back - set(upward))]
    wrong += [f"{a}.c does not call {b}.c any more: strike it from UPWARD" for a, b in sorted(set(upward) - back)]
    return wrong


def reached(edges, start):
    """The files that one can get to from a file by at least one call."""
    found, left = set(), [start]
    while left:
        user = left.pop()
        for used in {b for a, b in edges if a == user} - found:
            found.add(used)
            left.append(used)
    return found


def circle(edges, files):
    return {name for name in files if name in reached(edges, name)}


def main():
    folder = Path(sys.argv[1]) / "driver"
    objects = sorted(path for path in folder.glob("*.o") if not path.name.endswith(".mod.o"))
    files = {path.stem for path in folder.glob("*.c")}  # of which this kernel's options may leave some out
    edges = edges_of(path for path in objects if path.stem in files)
    wrong = complaints(edges, files, ORDER, UPWARD)
    planted = dict(edges)
    planted["trace", "ioctl"] = {"planted"}
    found = complaints(planted, files, ORDER, UPWARD)

    round_trip = circle(edges, files)

    print("TAP version 14\n1..4")
    print(f"# {len(files)} files, {len(edges)} edges, {len(UPWARD)} of them upward; in a circle: {' '.join(sorted(round_trip))}")
    for line in wrong:
        print("#", line)
    print("not ok" if wrong else "ok", "1 calls go one way, but for those that are listed")
    print("ok" if len(edges) > 2 * len(files) else "not ok", "2 the objects were read")
    print("ok" if len(found) == len(wrong) + 1 else "not ok", "3 a planted call that goes the other way is found")
    print("ok" if round_trip == CIRCLE else "not ok", "4 no file can reach itself but those of the one circle")
    return bool(wrong) or round_trip != CIRCLE


if __name__ == "__main__":
    sys.exit(main())
