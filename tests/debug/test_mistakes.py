#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""test_mistakes.py BUILD: each mistake that is made on purpose in a guest is told by the kernel whose work that is, and
fails the run; prints KTAP.
"""

import re
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

VM = Path(__file__).resolve().parent.parent / "vm"
sys.dont_write_bytecode = True
sys.path.insert(0, str(VM))

import splats

# What the kernel must say of each, in this order: lockdep is silent after its first report, and KASAN silences it, too.
KASAN = {
    "none": None,
    "lock_inversion": r"WARNING: possible circular locking dependency detected",
    "sleep_in_atomic": r"BUG: sleeping function called from invalid context",
    "active_timer_freed": r"ODEBUG: free active",
    "dma_unmapped": r"DMA-API: .*tries to free DMA memory it has not allocated",
    "list_removed_twice": r"list_del corruption",
    "reference_too_few": r"refcount_t: ",
    "array_index": r"UBSAN: array-index-out-of-bounds",
    "use_after_free": r"BUG: KASAN: slab-use-after-free in use_after_free",
    "out_of_bounds": r"BUG: KASAN: slab-out-of-bounds in out_of_bounds",
    "warning": r"WARNING: .* at .*xqaccel_mistakes\.c",
    "hung_task": r"INFO: task .* blocked for more than",
    "leak": None,
}
KCSAN = {
    "none": None,
    "unlocked_counter": r"BUG: KCSAN: data-race in count",
    "lock_inversion": r"WARNING: possible circular locking dependency detected",
}


def load_runner():
    loader = SourceFileLoader("vm_run", str(VM / "run"))
    module = module_from_spec(spec_from_loader("vm_run", loader))
    loader.exec_module(module)
    return module


def run(build, kernel, mistakes):
    """Returns the session of a guest in which these mistakes were made."""
    runner = load_runner()
    test = f"xq-make-mistakes:300:{' '.join(mistakes)}"
    options = runner.parse_arguments(["--build", build, "--kernel", kernel, "--memory", "2048", "--time-factor", "4", "--append",
                                      "kasan_multi_shot", "--test", test])
    return runner.run_tests(options, [test])[0]


def said_of_each(dmesg):
    """{mistake: the lines between its mark and the next}"""
    said, name = {}, None
    for line in dmesg:
        mark = re.search(r"mistake: (\w+)$", line)
        if mark:
            name = mark[1]
            said[name] = []
        elif name:
            said[name].append(line)
    return said


def judge(session, mistakes):
    """Yields (name, None or what is wrong)."""
    said = said_of_each(session.dmesg)
    for name, expected in mistakes.items():
        splat = splats.find(said.get(name, []))
        if name not in said:
            wrong = "was not made"
        elif expected is None:
            wrong = splat
        else:
            wrong = None if re.search(expected, splat or "") else f"expected {expected}, the runner found:\n{splat}"
        yield name, wrong
    problems = "\n".join(session.problems)
    if "leak" in mistakes:
        yield "the leak is found", None if re.search(r'kmemleak: 1 objects leaked: .*comm "insmod"', problems) else f"problems: {problems}"
    yield "the run fails", None if "kernel splat" in problems else f"problems: {problems}"
    tainted = re.search("kernel tainted: .*warning", problems)
    yield "the taint is told", None if tainted or "warning" not in mistakes else f"problems: {problems}"


def main():
    build = sys.argv[1]
    kernels = {"6.12-kasan": KASAN, "6.12-kcsan": KCSAN}
    print("TAP version 14", flush=True)
    number = failed = 0
    for kernel, mistakes in kernels.items():
        for name, wrong in judge(run(build, kernel, mistakes), mistakes):
            number += 1
            failed += wrong is not None
            if wrong is not None:
                print("# " + wrong.replace("\n", "\n# "))
            print(f"{'ok' if wrong is None else 'not ok'} {number} {kernel}: {name}", flush=True)
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
