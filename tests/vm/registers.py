# SPDX-License-Identifier: GPL-2.0
"""The accelerator's registers, as QEMU has them at the guest's addresses, whatever bus it is on."""

import re
from pathlib import Path

HEADER = Path(__file__).resolve().parent.parent.parent / "driver/xq_regs.h"


def named(name):
    """The number that the header gives a register or bit."""
    for line in HEADER.read_text(encoding="ascii").splitlines():
        found = re.match(rf"#define\s+{name}\s+(?:\((\d+)U << (\d+)\)|(\w+))", line)
        if found:
            value, shift, literal = found.groups()
            return int(literal, 0) if literal else int(value) << int(shift)
    raise KeyError(name)


def monitor(qmp, line):
    return qmp.execute("human-monitor-command", **{"command-line": line})


def address(qmp, device=0):
    """Where the guest's processors see them; LookupError while they do not."""
    found = re.search(rf"^ *(\w+)-\w+ \(.*\): xqaccel-registers .*owner:{{dev id=xq{device}}}", monitor(qmp, "info mtree -f -o"), re.M)
    if not found:
        raise LookupError(f"the guest does not see the registers of xq{device}")
    return int(found[1], 16)


def read(qmp, name, device=0):
    return int(monitor(qmp, f"xp /1wx {address(qmp, device) + named(name):#x}").split(":")[1], 16)
