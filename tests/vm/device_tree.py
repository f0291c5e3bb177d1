# SPDX-License-Identifier: GPL-2.0
"""The device tree of a board, as QEMU makes it for a machine, with an overlay."""

import subprocess
import tempfile
from pathlib import Path


def with_overlay(qemu, machine, overlay):
    """The bytes of the tree. machine: QEMU's arguments that decide what it has (-M, -smp, -m, ...)."""
    with tempfile.TemporaryDirectory(prefix="xq-dtb-") as folder:
        base, compiled, whole = (str(Path(folder) / name) for name in ("base.dtb", "overlay.dtbo", "whole.dtb"))
        for command in ([qemu, "-nodefaults", "-display", "none", *machine, "-machine", f"dumpdtb={base}"],
                        ["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", compiled, str(overlay)],
                        ["fdtoverlay", "-i", base, "-o", whole, compiled]):
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            if done.returncode:
                raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
        return Path(whole).read_bytes()
