# SPDX-License-Identifier: GPL-2.0
"""The device tree of a board, as QEMU makes it for a machine, with an overlay and with changes."""

import subprocess
import tempfile
from pathlib import Path


def changes_of(text):
    """fdtput's options and property for each word of "-name,+name", which removes a property and adds an empty one."""
    changes = []
    for word in filter(None, text.split(",")):
        if word[0] not in "+-" or not word[1:]:
            raise ValueError(f"{word}: neither -NAME nor +NAME")
        changes.append((["-d"] if word[0] == "-" else [], word[1:]))
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
                        *(["fdtput", *options, result, node, name]
                          for node, text in changes for options, name in changes_of(text))):
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
        return Path(result).read_bytes()
