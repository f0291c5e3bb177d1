# SPDX-License-Identifier: GPL-2.0
"""Finds what must never stand in a kernel log."""

import re

SPLAT = re.compile(
    r"BUG:|\bOops\b|Kernel panic|general protection fault|WARNING: |------------\[ cut here|Unable to handle kernel"
    r"|INFO: (rcu|task|possible|inconsistent|suspicious|trying to register)|rcu: INFO:|rcu_sched.*stall"
    r"|blocked for more than|soft lockup|hard LOCKUP|KASAN:|KFENCE:|UBSAN:|KCSAN:|kmemleak: \d+ new"
    r"|unchecked MSR|Bad page state|refcount_t:|list_(add|del) corruption|scheduling while atomic"
    r"|DMAR: .*fault|DMAR:\[|irq \d+: nobody cared|Call Trace:|slab-out-of|use-after-free|leaked .* objects|\bObjects remaining"
)

# A module from outside the tree (bit 12) that is unsigned (bit 13) is what we are; any other taint is a defect.
ALLOWED_TAINT = 1 << 12 | 1 << 13

TAINTS = {0: "proprietary", 1: "forced load", 4: "machine check", 5: "bad page", 7: "oops", 9: "warning",
          14: "soft lockup", 15: "live patch", 17: "randstruct", 18: "test"}


def find(lines):
    """Returns the first splat with a few lines of what follows, or None."""
    for number, line in enumerate(lines):
        if SPLAT.search(line):
            return "\n".join(lines[number:number + 25])
    return None


def describe_taint(value):
    """Returns what taints the kernel beyond what is allowed, or None."""
    bits = [bit for bit in range(32) if value >> bit & 1 and not ALLOWED_TAINT >> bit & 1]
    return ", ".join(TAINTS.get(bit, f"bit {bit}") for bit in bits) or None
