#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the VM runner makes of a guest's report, without a guest; prints KTAP."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import SimpleNamespace

import splats
import unloaded_clock
from guest_requests import GuestRequests, value_of
from qmp import Qmp, QmpError
from session import PORT_SILENCE, SILENCE, STALE_MAP, Lines, PortsDead, Session, Timeout, waits_for_a_port
from unloaded_clock import UnloadedClock

sys.dont_write_bytecode = True
loader = SourceFileLoader("check", str(Path(__file__).resolve().parent.parent / "check"))
check = module_from_spec(spec_from_loader("check", loader))
sys.modules["check"] = check
loader.exec_module(check)

GOOD = ["#xq start a", "1..1", "ok 1 x", "#xq exit a 0", "#xq taint 12288", "#xq end", "#dmesg [1.0] hello", "#xq off"]


def session_of(lines, console=()):
    session = Session(SimpleNamespace(), "", machine=SimpleNamespace())
    for line in console:
        session.take_console(line)
    for line in lines:
        session.take_results(line)
    session.judge()
    return session


def problem(lines, text, console=()):
    """The run is refused, and the reason contains the text."""
    problems = session_of(lines, console).problems
    return any(text in p for p in problems) or f"expected a problem with {text!r}, got {problems}"


def clean_run():
    session = session_of(GOOD)
    return session.problems == [] and session.tests == {"a": ["1..1", "ok 1 x"]} or f"{session.problems} {session.tests}"


def with_line(line, after=3):
    return GOOD[:after] + [line] + GOOD[after:]


class FakeQmp:
    def __init__(self):
        self.calls = []

    def execute(self, command, **arguments):
        self.calls.append((command, arguments))
        if command == "device_del":
            raise QmpError("no such\ndevice")
        return 7 if command == "qom-get" else {}


def request(line, answer, call=None):
    qmp = FakeQmp()
    got = GuestRequests(SimpleNamespace(qmp=qmp)).answer(line)
    if got != answer:
        return f"{line}: answered {got!r}"
    return call is None or qmp.calls[-1] == call or f"{line}: called {qmp.calls}"


class SleepingQmp(FakeQmp):
    """One whose accelerator has these values in its control register, one after the other; where it is None, none is seen."""

    def __init__(self, values, asserted=False, refused=False):
        super().__init__()
        self.values = list(values)
        self.asserted = asserted
        self.refused = refused

    def execute(self, command, **arguments):
        line = arguments.get("command-line", "")
        if command == "qom-get":
            return self.asserted
        if command == "qom-set" and self.refused:
            raise QmpError("no such property")
        if line.startswith("info mtree"):
            if self.values[0] is None:
                return self.values.pop(0) or ""
            return "  000000000c000000-000000000c00ffff (prio 0, i/o): xqaccel-registers owner:{dev id=xq0}\r\n"
        if line.startswith("xp"):
            return f"000000000c000100: {self.values.pop(0):#010x}\r\n"
        return super().execute(command, **arguments)


def asleep(values, **what):
    qmp = SleepingQmp(values, **what)
    session = SimpleNamespace(qmp=qmp, options=SimpleNamespace(bus="platform"), problems=[])
    return session, GuestRequests(session)


def sets_asleep(values, looks):
    """Whether what is asked for a suspend is done at the last of so many looks, and not before."""
    _, requests = asleep(values)
    if requests.answer("qom-set-asleep a true") != "ok":
        return "refused"
    for look in range(looks):
        if requests.qmp.calls:
            return f"done before look {look}"
        time.sleep(requests.look_at_sleep())
    return len(requests.qmp.calls) == 1 and requests.look_at_sleep() is None


def forgets_sleep(asserted, calls):
    """Whether `release` leaves nothing to do in a suspend, and no line asserted."""
    session, requests = asleep([0, 0, 0], asserted=asserted)
    answers = [requests.answer(line) for line in ("qom-set-asleep a true", "release")]
    got = [(command, arguments["property"], arguments["value"]) for command, arguments in session.qmp.calls]
    return (answers == ["ok", "ok"] and requests.look_at_sleep() is None and got == calls) or f"{answers}, {got}"


def refused_asleep():
    """Whether a property that there is not is a problem of the run, and no end of it."""
    session, requests = asleep([0, 0, 0], refused=True)
    requests.answer("qom-set-asleep a true")
    while pause := requests.look_at_sleep():
        time.sleep(pause)
    return session.problems == ["qom-set-asleep a: no such property"] or f"{session.problems}"


def clock_after(loads, stolen=0):
    """A clock of two processors after one second at each load; the hypervisor takes so many of 100 ticks."""
    time, ticks, load = [0.0], [0, 0], [0]
    clock = UnloadedClock(2, lambda: load[0], lambda: tuple(ticks), lambda: time[0])
    for load[0] in loads:
        time[0] += 1
        ticks[0] += 100
        ticks[1] += stolen
        clock.sample()
    return clock


def near(got, expected):
    return abs(got - expected) < 1e-9 or f"got {got}, expected {expected}"


def output_of(command, seconds, rate):
    """What tests/check makes of a command on a machine where time passes at this rate of the wall's."""
    start = time.monotonic()
    unloaded_clock._shared = SimpleNamespace(seconds=lambda: (time.monotonic() - start) * rate)
    process = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, start_new_session=True)
    try:
        return check.output_within(process, seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    finally:
        unloaded_clock._shared = None


def work_of(hosts, guests, jobs, vm_jobs):
    """What was running at once, {(programs, VMs)}, and how many ended, when each takes a moment."""
    lock, now, seen, ended = threading.Lock(), {"host": 0, "guest": 0}, set(), []

    def one(kind):
        with lock:
            now[kind] += 1
            seen.add((now["host"], now["guest"]))
        time.sleep(0.05)
        with lock:
            now[kind] -= 1
            ended.append(kind)

    check.Work([lambda: one("host")] * hosts, [lambda: one("guest")] * guests, vm_jobs).run(jobs)
    return seen, ended.count("host"), ended.count("guest")


def work(hosts, guests, jobs, vm_jobs, expected, never):
    seen, *ended = work_of(hosts, guests, jobs, vm_jobs)
    return (ended == [hosts, guests] and expected in seen and not seen & never
            and max(map(sum, seen)) <= jobs) or f"at once: {seen}, ended: {ended}"


def work_that_fails():
    """The error arrives, also where another waits for its turn with a VM."""
    def fail():
        time.sleep(0.05)
        raise OSError("no room")
    try:
        check.Work([], [fail, lambda: None], 1).run(2)
    except OSError as error:
        return str(error) == "no room"
    return "ended as if all had been run"


def request_unloaded():
    session = SimpleNamespace(clock=clock_after([8] * 10), options=SimpleNamespace(time_factor=2))
    answer = GuestRequests(session).answer("unloaded 4000")
    return answer == "ok 500" or answer


def stands_still(lines, seconds, factor=1):
    """What a session of tests with limits of 10 s says of a guest that told these lines and then nothing for so long."""
    now = [0.0]
    pairs = [socket.socketpair() for _ in range(2)]
    ends = dict(zip(("console", "qmp"), [ours for ours, _ in pairs]))
    machine = SimpleNamespace(host_ends=ends, process=SimpleNamespace(poll=lambda: None))
    session = Session(SimpleNamespace(timeout=3600, time_factor=factor), "", machine=machine, limits={"a": 10})
    session.clock = SimpleNamespace(seconds=lambda: now[0])
    session.streams = {"console": Lines()}
    session.qmp = SimpleNamespace(take_events=lambda: [])
    for line in lines:
        session.take_results(line)
    now[0] += seconds
    try:
        session.pump(3600)
        return None
    except Timeout as reason:
        return str(reason)
    finally:
        for end in sum(pairs, ()):
            end.close()


def asked_by_the_gone():
    """Whether a request of a guest that has ended meanwhile is no error of the runner."""
    ours, theirs = socket.socketpair()
    theirs.close()
    session = Session(SimpleNamespace(timeout=3600, time_factor=1), "", machine=SimpleNamespace(host_ends={"control": ours}))
    session.requests = SimpleNamespace(answer=lambda line: "ok")
    session.take_control("any")
    ours.close()
    return True


def silent_after(events, lines, seconds, before=GOOD[:1]):
    """Whether a guest counts as one whose ports died that told something, was suspended (as events say), told these lines, and
    then nothing for so long."""
    now = [0.0]
    session = Session(SimpleNamespace(timeout=3600, time_factor=1), "", machine=SimpleNamespace(host_ends={}))
    session.clock = SimpleNamespace(seconds=lambda: now[0])
    session.streams = {}
    for line in before:
        session.take_results(line)
    session.qmp = SimpleNamespace(take_events=lambda: [
        {"event": "VSERPORT_CHANGE", "data": {"id": port, "open": is_open}} for port, is_open in events])
    session.take_events()
    for line in lines:
        session.take_results(line)
    now[0] += seconds
    try:
        session.pump(3600)
    except PortsDead:
        return True
    except KeyError:
        return False  # it went on to wait for more
    return "neither"


SUSPEND = [("port-control", False), ("port-results", False), ("port-results", True)]


class OtherGuest:
    """A guest that ends in its second test for one of these reasons each time, if any is left."""

    def __init__(self, options, tests, ended, reasons):
        self.problems, self.current, self.ended_tests, self.tests, self.console = [], None, set(), {}, []
        reason = reasons.pop(0) if reasons else None
        self.ports_dead, self.map_was_stale = reason == "ports", reason == "map"
        for test in tests[:1] if reason else tests:
            self.tests[test] = ["1..1", f"ok 1 by {'serial lines' if options.serial else 'ports'}"]
            self.ended_tests.add(test)
            ended(test, self.tests[test])
        if reason:
            self.current = tests[1]
            self.tests[self.current] = ["1..1"]
            self.problems = ["kernel splat"]

    def log_lines(self):
        return self.console

    follow_up, goes_on_elsewhere = Session.follow_up, Session.goes_on_elsewhere


def other_guests(tests, reasons):
    """Runs tests in guests that end for these reasons: (what was told of each test, summaries, problems)"""
    runner = check.load_runner()
    runner.run_session = lambda options, tests, ended: OtherGuest(options, tests, ended, reasons)
    told = []
    with open(os.devnull, "w", encoding="ascii") as nowhere, contextlib.redirect_stdout(nowhere):
        session, summaries = runner.run_tests(SimpleNamespace(kernel="7.3", serial=False), tests,
                                              lambda name, lines: told.append((name, lines[1])))
    return told, summaries, session


def goes_round(reasons, ways):
    """A test whose guest ended for no fault of its own is run again, with those behind it and no other; what is wrong stays."""
    wrong = ["kernel splat"] * len(reasons)
    told, summaries, session = other_guests(["a", "b", "c"], reasons)
    wanted = [(test, f"ok 1 by {way}") for test, way in zip("abc", ways)]
    passed = {name: summary.passed for name, summary in summaries.items()}
    return (told == wanted and passed == {"a": 1, "b": 1, "c": 1} and session.problems == wrong or
            f"{told} {passed} {session.problems}")


def died(status, words):
    """Whether a guest whose QEMU ended so is to be followed by another."""
    machine = SimpleNamespace(process=SimpleNamespace(returncode=status), wait=lambda seconds: True, errors=lambda: words)
    session = Session(SimpleNamespace(), "", machine=machine)
    session.how_ended = session.end_of_machine()
    session.judge()
    return bool(session.goes_on_elsewhere()) and not session.problems


PATH = "/machine/peripheral/xq0"
SPLATS = [
    "WARNING: CPU: 1 PID: 7 at x.c:1", "BUG: kernel NULL pointer dereference", "Oops: 0000 [#1]",
    "BUG: KASAN: slab-use-after-free in f", "BUG: KFENCE: out-of-bounds read", "UBSAN: shift-out-of-bounds in x.c",
    "INFO: task xq:12 blocked for more than 20 seconds.", "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks",
    "watchdog: BUG: soft lockup - CPU#0 stuck", "WARNING: possible circular locking dependency detected",
    "INFO: possible recursive locking detected", "Kernel panic - not syncing", "refcount_t: underflow; use-after-free.",
    "BUG: sleeping function called from invalid context", "irq 24: nobody cared", "DMAR: [DMA Read] fault",
]
DMA_UNCHECKED = "DMA-API: cacheline tracking ENOMEM, dma-debug disabled"
HARMLESS = [
    "xqaccel 0000:01:00.0: 8 queues", "hello: module verification failed: signature and/or required key missing - tainting kernel",
    "rcu: Hierarchical SRCU implementation.", "Warning: unable to open an initial console.", "DMAR: IOMMU enabled",
    "DMAR: Host address width 39", "debug: no debugging enabled", "mitigations: SRBDS: Unknown: Dependent on hypervisor status",
]

def race(frame, functions="a / b"):
    return ["=" * 66, f"BUG: KCSAN: data-race in {functions}", "", "write to 0x1 of 8 bytes by task 7 on cpu 1:",
            f" {frame}", "", "=" * 66]


def race_in_interrupt(frame):
    return ["=" * 66, "BUG: KCSAN: data-race in a / b", "", "read to 0x1 of 8 bytes by interrupt on cpu 1:", f" {frame}",
            " asm_sysvec_apic_timer_interrupt+0x1/0x2", " xqaccel_open+0x1/0x2 [xqaccel]", "",
            "write to 0x1 of 8 bytes by interrupt on cpu 0:", " b+0x1/0x2", " asm_common_interrupt+0x1/0x2",
            " xqaccel_wait+0x1/0x2 [xqaccel]", "", "=" * 66]


def warning(where, caller):
    return ["------------[ cut here ]------------", f"WARNING: CPU: 1 PID: 7 at {where}", "Call Trace:", " <TASK>",
            f" {caller}+0x1/0x2", " </TASK>", "---[ end trace 0000000000000000 ]---"]


def failed_cache(name="xqaccel_job", error=-12, frame="__kmem_cache_create_args"):
    return [f"[2] __kmem_cache_create_args({name}) failed with error {error}", "[2] CPU: 1 UID: 0 PID: 7 Comm: xq Tainted: G",
            "[2] Tainted: [O]=OOT_MODULE", "[2] Hardware name: QEMU", "[2] Call Trace:", "[2]  <TASK>", "[2]  dump_stack_lvl+0x1/0x2",
            "[2]  ? __pfx__printk+0x1/0x2", f"[2]  {frame}+0x1/0x2", "[2]  init_module+0x1/0x2 [xqaccel]", "[2]  do_one_initcall+0x1/0x2", "[2]  </TASK>"]


def leak(caller="sysfs_slab_add", size=16, name="kobject_set_name_vargs"):
    return [f"unreferenced object 0xffff888004a3c8a0 (size {size}):", '  comm "xq", pid 7, jiffies 1', "  hex dump (first 16 bytes):",
            "    78 71 61 63  xqac", "  backtrace (crc 0):", "    kvasprintf+0x1/0x2", f"    {name}+0x1/0x2",
            "    kobject_init_and_add+0x1/0x2", f"    {caller}+0x1/0x2", "    init_module+0x1/0x2 [xqaccel]"]


def leaks_told(lines, told, fail_nth=True):
    """The problems of a run in which kmemleak listed these lines, and the kernel's log said so many."""
    session = Session(SimpleNamespace(fail_nth=fail_nth), "", machine=SimpleNamespace())
    for line in [*GOOD, *("#kmemleak " + line for line in lines),
                 *(f"#dmesg [9] kmemleak: {n} new suspected memory leaks (see /sys/kernel/debug/kmemleak)" for n in told)]:
        session.take_results(line)
    session.judge()
    return session.problems


def console_told(lines, fail_nth=True):
    """The problems of a run whose console said this, too."""
    session = Session(SimpleNamespace(fail_nth=fail_nth), "", machine=SimpleNamespace())
    session.console += lines
    for line in GOOD:
        session.take_results(line)
    session.judge()
    return session.problems


def refused(problems, text):
    return any(text in p for p in problems) or f"expected a problem with {text!r}, got {problems}"


def qmp_while_console_is_full():
    """QEMU that answers only when somebody has read its serial line, as it does when that is full."""
    ours, theirs = socket.socketpair()
    console, line = socket.socketpair()
    taken = []

    def qemu():
        theirs.sendall(b'{"QMP": {}}\n')
        theirs.recv(4096)
        line.sendall(b"output")
        read.wait(5)
        theirs.sendall(b'{"return": {}}\n')

    def take(end):
        taken.append(end.recv(4096))
        read.set()

    read = threading.Event()
    thread = threading.Thread(target=qemu, daemon=True)
    thread.start()
    Qmp(ours, timeout=20, others=[console], take=take)
    thread.join()
    for end in (ours, theirs, console, line):
        end.close()
    return taken == [b"output"] or str(taken)


TESTS = {
    "an answer that comes when the console was read": qmp_while_console_is_full,
    "a clean run": clean_run,
    "a leaked process": lambda: problem(with_line("#xq leak a: 12 sleep"), "left processes behind"),
    "a test ended by a signal": lambda: problem(["#xq start a", "#xq exit a 139", *GOOD], "signal 11"),
    "a test over its time": lambda: problem(["#xq start a", "#xq exit a 137", *GOOD], "took too long"),
    "a test within its time and what the guest needs to end it": lambda: stands_still(GOOD[:1], 10 + SILENCE - 1) is None,
    "a guest that stands still in a test": lambda: stands_still(GOOD[:1], 10 + SILENCE + 1) == "the guest stands still in a",
    "a guest that stands still between tests": lambda:
        stands_still(GOOD[:4], SILENCE + 1) == "the guest stands still between tests",
    "a slow guest within its time": lambda: stands_still(GOOD[:1], 4 * (10 + SILENCE) - 1, 4) is None,
    "the tasks that were blocked when a test was killed": lambda: problem(
        [*GOOD, "#dmesg [2] sysrq: Show Blocked State", "#dmesg [2] task:xq state:D", "#dmesg [2] xqaccel_wait+0x1/0x2"], "xqaccel_wait"),
    "no task was blocked": lambda: session_of([*GOOD, "#dmesg [2] sysrq: Show Blocked State"]).problems == [],
    "a guest that is silent since a suspend": lambda: silent_after(SUSPEND, [], PORT_SILENCE + 1),
    "a guest that is silent for a while": lambda: not silent_after(SUSPEND, [], PORT_SILENCE - 1),
    "a guest that tells more after a suspend": lambda: not silent_after(SUSPEND, ["ok 1 x"], PORT_SILENCE + 1),
    "a guest that never slept": lambda: not silent_after([("port-control", False)], [], PORT_SILENCE + 1),
    "a guest that powers off": lambda: not silent_after(SUSPEND, [], PORT_SILENCE + 1, GOOD),
    "another guest where ports died": lambda: goes_round(["ports"], ["ports", "serial lines", "serial lines"]),
    "another guest where QEMU's map was stale": lambda: goes_round(["map"], ["ports"] * 3),
    "another guest for each of two reasons": lambda: goes_round(["map", "ports"], ["ports", "ports", "serial lines"]),
    "QEMU dies of a stale map": lambda: died(-6, f"qemu: physmem.c:1: {STALE_MAP} `x' failed."),
    "QEMU dies of something else": lambda: not died(-6, "qemu: device.c:1: f: Assertion `x' failed.") and not died(1, STALE_MAP),
    "no guest after the third": lambda: any(
        "in the last of 3" in problem for problem in other_guests(["a", "b", "c", "d", "e"], ["map"] * 3)[2].problems),
    "who waits for a port": lambda: waits_for_a_port(["[1.0]  wait_port_writable+0x8c/0xa0 [virtio_console]"]),
    "a driver that hangs is no dead port": lambda: not waits_for_a_port(["[1.0]  xqaccel_resume+0x8c/0xa0 [xqaccel]"]),
    "an unknown exit status": lambda: problem(["#xq start a", "#xq exit a 3", *GOOD], "exit status 3"),
    "the driver does not load": lambda: problem(["#xq failed the driver does not load: x"], "does not load"),
    "no end mark": lambda: problem(GOOD[:-3], "no end mark"),
    "taint by a warning": lambda: problem(with_line(f"#xq taint {1 << 9}"), "tainted: warning"),
    "splat in dmesg": lambda: problem([*GOOD, "#dmesg [2] " + SPLATS[0]], "kernel splat"),
    "splat on the console": lambda: problem(GOOD, "kernel splat", [SPLATS[1]]),
    "what is excepted is so on the console": lambda: console_told([DMA_UNCHECKED, *failed_cache()]) == [] or
        str(console_told([DMA_UNCHECKED, *failed_cache()])),
    "and only there where allocations fail": lambda: refused(console_told([DMA_UNCHECKED], fail_nth=False), "splat"),
    "every kind of splat is found": lambda: [s for s in SPLATS if not splats.find([s])] == [] or
        str([s for s in SPLATS if not splats.find([s])]),
    "a data race of the driver": lambda: splats.find(race("xqaccel_wait+0x1/0x2 [xqaccel]")) is not None,
    "a data race that is meant": lambda: splats.find(
        race("buffer_dead+0x1/0x2 [xqaccel]", "process_one_work / queue_delayed_work_on")) is None,
    "a data race with a work of the driver's": lambda: splats.find(
        race("xqaccel_wait+0x1/0x2 [xqaccel]", "process_one_work / xqaccel_wait")) is not None,
    "a data race of an interrupt that came to the driver": lambda: splats.find(race_in_interrupt("hrtimer_active+0x1/0x2")) is None,
    "a data race of the driver's interrupt": lambda: splats.find(race_in_interrupt("xqaccel_irq+0x1/0x2 [xqaccel]")) is not None,
    "a data race of others": lambda: splats.find(race("tick_do_update+0x1/0x2")) is None,
    "a data race of the driver after one of others": lambda:
        splats.find(race("tick_do_update+0x1/0x2") + race("xqaccel_wait+0x1/0x2 [xqaccel]")) is not None,
    "a warning of the driver": lambda: splats.scan(warning("driver/a.c:1 f+0x1/0x2 [xqaccel]", "probe"))[0] is not None,
    "a warning that is excepted": lambda:
        splats.scan(warning("fs/proc/generic.c:733 remove_proc_entry+0x20d/0x3c0", "unregister_irq_proc")) == (None, 1),
    "the same warning for another caller": lambda:
        splats.find(warning("fs/proc/generic.c:733 remove_proc_entry+0x20d/0x3c0", "xqaccel_remove")) is not None,
    "a splat after a warning that is excepted": lambda: splats.find(
        warning("fs/proc/generic.c:733 remove_proc_entry+0x20d/0x3c0", "unregister_irq_proc") + SPLATS[1:2]) is not None,
    "the taint of a warning that is excepted": lambda: session_of(with_line("#xq taint 512") + [
        "#dmesg " + line for line in warning("fs/proc/generic.c:733 remove_proc_entry+0x1/0x2", "unregister_irq_proc")
    ]).problems == [],
    "checks of DMA that end": lambda: splats.find([DMA_UNCHECKED]) is not None,
    "checks of DMA that end where allocations fail": lambda: splats.scan([DMA_UNCHECKED], True) == (None, 0),
    "a cache that failed": lambda: splats.scan(failed_cache(), True) == (None, 0),
    "a cache that failed where allocations do not": lambda: splats.scan(failed_cache(), False)[0] is not None,
    "a cache of others that failed": lambda: splats.scan(failed_cache("dentry"), True)[0] is not None,
    "a cache that failed with another error": lambda: splats.scan(failed_cache(error=-22), True)[0] is not None,
    "a trace of others below the line of a cache": lambda: splats.scan(failed_cache(frame="f"), True)[0] is not None,
    "a trace that does not end": lambda: splats.scan(failed_cache()[:-1], True)[0] is not None,
    "a trace without that line": lambda: splats.scan(failed_cache()[1:], True)[0] is not None,
    "a splat after a cache that failed": lambda: splats.scan(failed_cache() + SPLATS[1:2], True)[0] is not None,
    "names of caches that leaked": lambda: leaks_told(leak() + leak(), [1, 1]) == [] or str(leaks_told(leak() + leak(), [1, 1])),
    "the same where allocations do not fail": lambda: refused(leaks_told(leak(), [1], False), "kmemleak: 1 objects leaked: unref"),
    "a name that others leaked": lambda: refused(leaks_told(leak("device_add"), [1]), "kmemleak: 1 objects leaked: unref"),
    "another leak of the same function": lambda: refused(leaks_told(leak(name="kmalloc"), [1]), "kmemleak: 1 objects leaked"),
    "a leak of another size": lambda: refused(leaks_told(leak(size=64), [1]), "kmemleak: 1 objects leaked"),
    "a leak among names that leaked": lambda: refused(leaks_told(leak() + leak("xq") + leak(), [3]), "kmemleak: 1 objects leaked"),
    "more leaks told than listed": lambda: refused(leaks_told(leak(), [1, 1]), "kernel splat"),
    "harmless lines pass": lambda: [s for s in HARMLESS if splats.find([s])] == [] or
        str([s for s in HARMLESS if splats.find([s])]),
    "taint of an unsigned module from outside": lambda: splats.describe_taint(1 << 12 | 1 << 13) is None,
    "lines that arrive in pieces": lambda: (lambda l: l.feed(b"a\r\nb") + l.feed(b"c\n"))(Lines()) == ["a", "bc"],
    "values": lambda: [value_of(t) for t in ("1", "true", "off", '"x"')] == [1, True, "off", "x"],
    "qom-set": lambda: request("qom-set hang true", "ok", ("qom-set", {"path": PATH, "property": "hang", "value": True})),
    "qom-get": lambda: request("qom-get hang", "ok 7", ("qom-get", {"path": PATH, "property": "hang"})),
    "a refused command": lambda: request("device_del", "error no such device"),
    "an unknown request": lambda: request("bogus 1", "error unknown request bogus"),
    "the clock of a free machine": lambda: near(clock_after([0, 1, 2]).seconds(), 3),
    "the clock of a busy machine": lambda: near(clock_after([4, 8, 2]).seconds(), 0.5 + 0.25 + 1),
    "the clock where half is stolen": lambda: near(clock_after([2, 2], stolen=50).seconds(), 1),
    "the clock's last seconds": lambda: near(clock_after([2, 8, 4]).of_last(1.5), 0.5 + 0.125),
    "the clock's seconds before it began": lambda: near(clock_after([8]).of_last(3), 2.25),
    "the guest asks for the clock": request_unloaded,
    "a limit on a busy machine": lambda: output_of("sleep 1.5; echo done", 1, 0.1) == b"done\n",
    "a program that can't be run": lambda: "Permission denied" in " ".join(check.run_host(
        check.Test("host", "a", "-", __file__.replace("test_runner", "session"), 5, [], "", [], [], ""))[0].failures),
    "a limit on a free machine": lambda: output_of("sleep 30", 1, 1) is None,
    "programs run beside a VM": lambda: work(3, 8, 2, 2, (1, 1), {(2, 0)}),
    "two VMs when no program is left": lambda: work(1, 6, 2, 2, (0, 2), set()),
    "no more VMs than allowed": lambda: work(1, 6, 3, 1, (0, 1), {(0, 2), (1, 2), (0, 3)}),
    "programs alone": lambda: work(6, 0, 2, 2, (2, 0), set()),
    "one at a time": lambda: work(3, 3, 1, 2, (1, 0), {(1, 1)}),
    "an error of the runner itself": work_that_fails,
    "a suspend": lambda: sets_asleep([0, 0, 0], 3),
    "a reset before a suspend": lambda: sets_asleep([1, 0, 2, 1, 0, 0, 0], 7),
    "a suspend in which nobody sees the registers at first": lambda: sets_asleep([None, 0, 0, 0], 4),
    "a request for a suspend that does not come": lambda: forgets_sleep(False, []),
    "a reset line that stays asserted": lambda: forgets_sleep(True, [("qom-set", "reset-asserted", False)]),
    "a request for a suspend that is refused then": refused_asleep,
    "a request of a guest that is gone": asked_by_the_gone,
    "a request with wrong arguments": lambda: GuestRequests(None).answer("qom-set").startswith("error qom-set"),
}


def main():
    print(f"TAP version 14\n1..{len(TESTS)}")
    failed = False
    for number, (name, test) in enumerate(TESTS.items(), 1):
        result = test()
        if result is not True:
            failed = True
            print(f"# {result}")
        print(f"{'ok' if result is True else 'not ok'} {number} {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
