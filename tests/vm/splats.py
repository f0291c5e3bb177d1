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

LEAKS = re.compile(r"kmemleak: (\d+) new suspected memory leaks")

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

# The same where allocations were made to fail, of what the kernel says without a warning. A cache that could not be made is
# told by a line and, some lines further, a trace of who wanted it.
FAILED_CACHE = re.compile(r"\b__kmem_cache_create_args\(xqaccel_job\) failed with error -12$")
FAILED_CACHE_TRACE = re.compile(r"<TASK>\n(.* (dump_stack(_lvl)?\+|\? ).*\n)+.* __kmem_cache_create_args\+")
TRACE = re.compile(r"Call Trace:")
TRACE_END = re.compile(r"</TASK>")
BEFORE_TRACE = 6
# Then sysfs_slab_add() has not given back the name that it gave its object.
LEAKED_NAME = re.compile(r"\(size 16\):\n(.*\n)*.* kobject_set_name_vargs\+.*\n(.*\n){0,2}.* sysfs_slab_add\+")

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
KCSAN_ACCESS = re.compile(r"\b(read|write|assert no \w+).* to 0x[0-9a-f]+ of \d+ bytes by ")
INTERRUPTED = re.compile(r"\basm_(sysvec_\w+|common_interrupt)\+")


def block_at(lines, start):
    """Where the block that begins here ends (exclusive)."""
    for number in range(start, min(start + LONGEST, len(lines))):
        if BLOCK_END.search(lines[number]):
            return number + 1
    return None


def is_ours(report):
    """Whether the driver is in what a data race was between, and not only in what an interrupt came to."""
    counts = True
    for line in report:
        if KCSAN_ACCESS.search(line):
            counts = True
        elif INTERRUPTED.search(line):
            counts = False
        elif counts and "[xqaccel" in line:
            return True
    return False


def report_at(lines, start):
    """Where the report whose headline this is ends, at a ruler."""
    for number in range(start + 1, min(start + LONGEST, len(lines))):
        if RULER.search(lines[number]):
            return number + 1
    return None


def trace_of_failed_cache(lines, start):
    """Where the trace that begins here ends, if it is that of the driver's cache for which there was no memory."""
    if not TRACE.search(lines[start]) or not any(FAILED_CACHE.search(line) for line in lines[max(0, start - BEFORE_TRACE):start]):
        return None
    for number in range(start + 1, min(start + LONGEST, len(lines))):
        if TRACE_END.search(lines[number]):
            return number + 1 if FAILED_CACHE_TRACE.search("\n".join(lines[start:number])) else None
    return None


def is_excepted(block):
    text = "\n".join(block)
    return any(where.search(text) and caller.search(text) for where, caller in EXCEPTED)


def leaks(lines, fail_nth=False):
    """Of what kmemleak lists: (the lines of objects that count, how many do not)."""
    objects = []
    for line in lines:
        if line.startswith("unreferenced object") or not objects:
            objects.append([])
        objects[-1].append(line)
    counting = [told for told in objects if not (fail_nth and LEAKED_NAME.search("\n".join(told)))]
    return sum(counting, []), len(objects) - len(counting)


def scan(lines, fail_nth=False, leaked=0):
    """Returns (the first splat with a few lines of what follows, or None; warnings that were excepted).

    fail_nth: allocations were made to fail. leaked: so many objects of which kmemleak tells do not count.
    """
    number = excepted = 0
    while number < len(lines):
        line = lines[number]
        if not SPLAT.search(line) and (fail_nth or not DMA_UNCHECKED.search(line)):
            number += 1
            continue
        found = LEAKS.search(line)
        if found and int(found[1]) <= leaked:
            leaked -= int(found[1])
            number += 1
            continue
        end = trace_of_failed_cache(lines, number) if fail_nth else None
        if end:
            number = end
            continue
        end = block_at(lines, number) if BLOCK.search(line) else None
        if end and is_excepted(lines[number:end]):
            excepted += 1
            number = end
            continue
        # Data races of others, of which the kernel has many, are theirs.
        end = report_at(lines, number) if KCSAN.search(line) else None
        if end and (MEANT.search(line) or not is_ours(lines[number:end])):
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
