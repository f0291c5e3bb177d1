# SPDX-License-Identifier: GPL-2.0
"""The device tree of a board, as QEMU makes it for a machine, with an overlay and with changes."""

import re
import subprocess
import tempfile
from pathlib import Path


def changes_of(text):
    """fdtput's options, property and values for each word of "-name,+name,+name=a:b": -name removes a property, +name sets it,
    to nothing, to numbers or to a string."""
    changes = []
    for word in filter(None, re.split(",(?=[-+])", text)):
        name, equals, value = word[1:].partition("=")
        if word[0] not in "+-" or not name or (equals and word[0] == "-"):
            raise ValueError(f"{word}: neither -NAME nor +NAME nor +NAME=VALUE")
        values = value.split(":") if equals else []
        numbers = all(part[:1].isdigit() for part in values)
        options = ["-d"] if word[0] == "-" else ["-t", "x" if numbers else "s"] if values else []
        changes.append((options, name, [f"{int(part, 0):x}" for part in values] if numbers else [value]))
    return changes


def tree(qemu, machine, overlay=None, changes=()):
    """The bytes of it. machine: QEMU's arguments that decide what it has (-M, -smp, -m, ...); changes: (node, text), where the
    text is that of changes_of()."""
    with tempfile.TemporaryDirectory(prefix="xq-dtb-") as folder:
        base, compiled, whole = (str(Path(folder) / name) for name in ("base.dtb", "overlay.dtbo", "whole.dtb"))
        result = whole if overlay else base
        laid_over = [["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", compiled, str(overlay)],
                     ["fdtoverlay", "-i", base, "-o", whole, compiled]] if overlay else []
        for command in ([qemu, "-nodefaults", "-display", "none", *machine, "-machine", f"dumpdtb={base}"],
                        *laid_over,
                        *(["fdtput", *options, result, node, name, *values]
                          for node, text in changes for options, name, values in changes_of(text))):
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
        return Path(result).read_bytes()
