#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""figures.py LOGS BUILD: what a campaign's tests counted, by kernel and test, with the release of each kernel.

A figure is a comment of a test's KTAP that has a number in it.
"""

import re
import sys
from pathlib import Path

FIGURE = re.compile(r"^\s*# (?!\S+\.[ch]:\d+:Expected)(?:\S+\.[ch]:\d+:)?(.*\d.*)$")
RESULT = re.compile(r"^\s*(not ok|ok) \d+ (.*)$")


def main():
    logs, build = Path(sys.argv[1]), Path(sys.argv[2])
    for log in sorted(logs.glob("VM-*.ktap")):
        kernel, _, name = log.stem.removeprefix("VM-").partition("-xq-test-")
        if not name:
            continue
        release = build / f"kernel-{kernel}" / "release"
        print(f"{name} on {release.read_text().strip() if release.exists() else kernel}")
        waiting = []
        for line in log.read_text(errors="replace").splitlines():
            figure, result = FIGURE.match(line), RESULT.match(line)
            if figure:
                waiting.append(figure[1])
            elif result:
                for text in waiting or ([""] if result[1] == "not ok" else []):
                    print(f"    {'FAILED ' if result[1] == 'not ok' else ''}{result[2].split(' # ')[0]}: {text}")
                waiting = []


if __name__ == "__main__":
    main()
