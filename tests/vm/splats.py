# SPDX-License-Identifier: GPL-2.0
"""Finds what must never stand in a kernel log."""

import re

SPLAT = re.compile(
    r"BUG:|\bOops\b|Kernel panic|general protection fault|WARNING: |------------\[ cut here|Unable to handle kernel"
    r"|INFO: (rcu|task|possible|inconsistent|suspicious|trying to register)|rcu: INFO:|rcu_sched.*stall"
    r"|blocked for more than|soft lockup|hard LOCKUP|KASAN:|KFENCE:|UBSAN:|KCSAN:|kmemleak: \d+ new"
    r"|ODEBUG: |DEBUG_LOCKS_WARN_ON|INFO: lockdep is turned off"
    r"|unchecked MSR|Bad page state|refcount_t:|list_(add|del) corruption|scheduling while atomic"
    r"|DMAR: .*fault|DMAR:\[|irq \d+: nobody cared|Call Trace:|slab-out-of|(?<!double-/)use-after-free|leaked .* objects|\bObjects remaining"
)

# The kernel stops checking DMA when it can't allocate what it needs for that; what comes later is not checked.
DMA_UNCHECKED = re.compile(r"DMA-API: .*(dma-debug disabled|out of memory - disabling)")

# A module from outside the tree (bit 12) that is unsigned (bit 13) is what we are, and KUnit's suites leave bit 18; any
# other taint is a defect.
ALLOWED_TAINT = 1 << 12 | 1 << 13 | 1 << 18

TAINTS = {0: "proprietary", 1: "forced load", 4: "machine check", 5: "bad page", 7: "oops", 9: "warning",
          14: "soft lockup", 15: "live patch", 17: "randstruct"}


# What does not count: a warning of the kernel's own error paths, recognized by where it was raised and by who called.
EXCEPTED = [
    # An allocation of register_irq_proc() failed, so that not all files of an interrupt were made in /proc; when the
    # interrupt is freed, all of them are removed. Seen under fail-nth in pci_alloc_irq_vectors().
    (re.compile(r"WARNING: .* at fs/proc/generic\.c:\d+ remove_proc_entry\b"),
     re.compile(r"\b(unregister_irq_proc|unregister_handler_proc)\+")),
    # udmabuf maps its memory for each who imports it, so twice for one device.
    (re.compile(r"DMA-API: .* overlapping mappings aren't supported"), re.compile(r"\bmap_udmabuf\+")),
]
BLOCK = re.compile(r"------------\[ cut here")
BLOCK_END = re.compile(r"---\[ end trace")
# A warning's block, or a report between rulers of '='.
LONGEST = 120

KCSAN = re.compile(r"BUG: KCSAN:")
# Data races that are meant and of which this kernel does not tell KCSAN: the clock's latch (seqcount_latch); a work that
# is queued as it starts: the one sets its pending bit, the other reads the other bits of the word, both in workqueue.c.
MEANT = re.compile(r"BUG: KCSAN: data-race in (.*\bktime_get_mono_fast_ns\b"
                   r"|process_one_work / queue_(delayed_)?work_on$|queue_(delayed_)?work_on / process_one_work$)")
RULER = re.compile(r"={40,}")


def block_at(lines, start):
    """Where the block that begins here ends (exclusive)."""
    for number in range(start, min(start + LONGEST, len(lines))):
        if BLOCK_END.search(lines[number]):
            return number + 1
    return None


def report_at(lines, start):
    """Where the report whose headline this is ends, at a ruler."""
    for number in range(start + 1, min(start + LONGEST, len(lines))):
        if RULER.search(lines[number]):
            return number + 1
    return None


def is_excepted(block):
    text = "\n".join(block)
    return any(where.search(text) and caller.search(text) for where, caller in EXCEPTED)


def scan(lines, fail_nth=False):
    """Returns (the first splat with a few lines of what follows, or None; warnings that were excepted).

    fail_nth: allocations were made to fail.
    """
    number = excepted = 0
    while number < len(lines):
        line = lines[number]
        if not SPLAT.search(line) and (fail_nth or not DMA_UNCHECKED.search(line)):
            number += 1
            continue
        end = block_at(lines, number) if BLOCK.search(line) else None
        if end and is_excepted(lines[number:end]):
            excepted += 1
            number = end
            continue
        # Data races of others, of which the kernel has many, are theirs.
        end = report_at(lines, number) if KCSAN.search(line) else None
        if end and (MEANT.search(line) or not any("[xqaccel" in text for text in lines[number:end])):
            number = end
            continue
        return "\n".join(lines[number:number + 40]), excepted
    return None, excepted


def find(lines):
    return scan(lines)[0]


WARNING_TAINT = 1 << 9


def describe_taint(value, allowed=0):
    """Returns what taints the kernel beyond what is allowed, or None."""
    bits = [bit for bit in range(32) if value >> bit & 1 and not (ALLOWED_TAINT | allowed) >> bit & 1]
    return ", ".join(TAINTS.get(bit, f"bit {bit}") for bit in bits) or None
