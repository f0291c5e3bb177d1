# SPDX-License-Identifier: GPL-2.0
"""The device tree of a board, as QEMU makes it for a machine, with an overlay."""

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


def with_overlay(qemu, machine, overlay, node="/", changes=""):
    """The bytes of the tree. machine: QEMU's arguments that decide what it has (-M, -smp, -m, ...); changes: of a node of
    the overlay."""
    with tempfile.TemporaryDirectory(prefix="xq-dtb-") as folder:
        base, compiled, whole = (str(Path(folder) / name) for name in ("base.dtb", "overlay.dtbo", "whole.dtb"))
        for command in ([qemu, "-nodefaults", "-display", "none", *machine, "-machine", f"dumpdtb={base}"],
                        ["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", compiled, str(overlay)],
                        ["fdtoverlay", "-i", base, "-o", whole, compiled],
                        *(["fdtput", *options, whole, node, name] for options, name in changes_of(changes))):
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
        return Path(whole).read_bytes()
