# SPDX-License-Identifier: GPL-2.0
"""A guest's life from start to power-off: collects what it reports, answers its requests, judges the run."""

import itertools
import os
import re
import select
import signal
import time

import splats
from guest_requests import GuestRequests
import unloaded_clock
from machine import Machine
from qmp import Qmp, QmpError

PREFIX = "#xq "
# The guest itself ends a test that takes too long, and leaves out the others; this much later it must have told so, and
# so long its ways between tests may take. Then the guest stands still.
SILENCE = 90
# A suspend resets the virtio ports. This much later a test has told something again, unless its kernel can't use them any
# more: in Linux 7.3 the next write never returns.
PORT_SILENCE = 20
# What QEMU 10.0 says when it dies because one emulated processor used a memory map that another has just changed.
STALE_MAP = "iotlb_to_section: Assertion"


class Timeout(Exception):
    """The guest did not end a test, or did not power off, in time."""


class PortsDead(Exception):
    """The guest has been suspended and says nothing since: its ports may have died, or what was to be tested hangs."""


def blocked_tasks(lines):
    """What sysrq's w wrote last: of each task a line with "task:" and its stack; empty if no task was blocked."""
    start = max((i for i, line in enumerate(lines) if "sysrq: Show Blocked State" in line), default=len(lines))
    told = list(itertools.takewhile(lambda line: "sysrq: " not in line, lines[start + 1:]))
    return told if any("task:" in line for line in told) else []


def waits_for_a_port(lines):
    """Whether what sysrq's t wrote has a task that writes to a virtio port: a driver that hangs after a resume is no such."""
    return any(re.search(r"\b(wait_port_writable|port_fops_write)\+0x", line) for line in lines)


class Lines:
    """Splits a stream into lines."""

    def __init__(self):
        self.rest = b""

    def feed(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [line.decode(errors="replace").rstrip("\r") for line in lines]


class Session:
    def __init__(self, options, job, echo=None, follow=None, ended=None, machine=None, limits=None):
        self.options = options
        self.job = job
        self.limits = limits  # seconds of each test; without it, there is one limit for all that the guest does
        self.deadline = None  # of what the guest does now
        self.echo = echo  # called with each line that a command prints
        self.follow = follow  # the same for tests
        self.test_ended = ended  # called with the name of a test and its lines
        self.console = []
        self.tasks = []  # what it told when it stood still
        self.dmesg = []
        self.leaks = []  # what kmemleak lists
        self.tests = {}  # name -> lines of output
        self.problems = []
        self.status = None
        self.taint = 0
        self.ended = False
        self.off = False
        self.current = None
        self.ended_tests = set()
        self.ports_reset = None  # when, if nothing has come through them since
        self.ports_dead = False
        self.map_was_stale = False
        self.how_ended = ""
        self.shutdown = None  # QEMU's reason
        self.requests = GuestRequests(self)
        self.pause = 1.0  # at most, before it looks again
        self.machine = machine or Machine(options, job)
        self.qmp = None

    def run(self):
        """Runs to the end. Whatever happens, no process is left."""
        self.clock = unloaded_clock.shared()
        end = self.clock.seconds() + self.options.timeout * self.options.time_factor
        try:
            self.machine.start()
            try:
                self.streams = {name: Lines() for name in ("console", "results", "control")}
                self.qmp = self.control_of(self.machine)
            except (EOFError, ConnectionError):
                self.machine.wait(5)
                self.problems.append(f"QEMU did not start: {self.machine.errors()}")
                return
            self.allow(SILENCE)  # to boot
            while self.pump(end):
                pass
            if not self.machine.wait(60):
                self.problems.append("QEMU did not end after the guest's power-off")
        except Timeout as reason:
            self.problems.append(str(reason))
            self.show_tasks()
        except PortsDead:
            self.show_tasks(b"8wlt")
            self.ports_dead = waits_for_a_port(self.tasks)
            if not self.ports_dead:
                self.problems.append(f"silent for {PORT_SILENCE} s since a suspend, and nobody waits for a virtio port")
        finally:
            self.how_ended = self.end_of_machine()
            self.machine.kill()
            self.judge()

    def pump(self, end):
        """Takes what the guest sent; returns False at the end of its console."""
        ends = self.machine.host_ends
        where = f" in {self.current}" if self.current else ""
        if self.clock.seconds() > end:
            raise Timeout(f"time limit of {self.options.timeout} s reached{where}")
        if self.deadline and self.clock.seconds() > self.deadline:
            raise Timeout(f"the guest stands still{where or ' between tests'}")
        if self.ports_reset is not None and self.clock.seconds() > self.ports_reset + PORT_SILENCE * self.options.time_factor:
            raise PortsDead
        ready, _, _ = select.select([ends[n] for n in (*self.streams, "qmp")], [], [], self.pause)
        if not ready and self.machine.process.poll() is not None:
            return False
        for name in self.streams:
            if ends[name] in ready and not self.take(name, ends[name]) and name == "console":
                self.drain()
                return False
        try:
            self.take_events()
            self.pause = self.requests.look_at_sleep() or 1.0
        except (EOFError, ConnectionError):
            self.drain()
            return False
        return True

    def take(self, name, end):
        """Takes what a stream has; returns False at its end."""
        try:
            data = os.read(end.fileno(), 1 << 16)
        except ConnectionError:
            data = b""
        for line in self.streams[name].feed(data):
            getattr(self, "take_" + name)(line)
        return bool(data)

    def allow(self, seconds):
        """What the guest does from now on, it does within so many seconds."""
        if self.limits is not None:
            self.deadline = self.clock.seconds() + (seconds + SILENCE) * self.options.time_factor

    def show_tasks(self, keys=b"8wl"):
        """A guest that stands still tells on its console, all of it (8), which tasks are blocked and where its processors are (t:
        where each task is); if QEMU does not answer either, gdb tells where that is."""
        before, self.console = self.console, self.tasks
        try:
            self.qmp.timeout = 30
            for key in keys:
                self.qmp.execute("chardev-send-break", id="console")
                self.machine.host_ends["console"].sendall(bytes([key]))
                first = last = time.monotonic()
                while (now := time.monotonic()) - last < 3 and now - first < 60:
                    ready, _, _ = select.select([self.machine.host_ends["console"]], [], [], 1.0)
                    if ready and not self.take("console", ready[0]):
                        return
                    last = time.monotonic() if ready else last
        except TimeoutError as silent:
            self.problems.append(f"{silent}:\n" + "\n".join(self.machine.stacks()[-200:]))
        except (OSError, EOFError, QmpError):
            pass  # what QEMU does not tell any more is not there to be read
        finally:
            self.console = before

    def control_of(self, machine):
        """A machine's QMP, which keeps what the guest says flowing while it waits."""
        names = {machine.host_ends[name]: name for name in ("console", "results")}
        return Qmp(machine.host_ends["qmp"], others=names, take=lambda end: self.take(names[end], end))

    def drain(self):
        """The guest has gone; the last lines may still be under way."""
        for name in ("console", "results"):
            end = self.machine.host_ends[name]
            end.setblocking(False)
            try:
                while data := os.read(end.fileno(), 1 << 16):
                    for line in self.streams[name].feed(data):
                        getattr(self, "take_" + name)(line)
            except (BlockingIOError, ConnectionError):
                pass

    def take_events(self):
        for event in self.qmp.take_events():
            if event["event"] == "SHUTDOWN":
                self.shutdown = event["data"]["reason"]
            if event["event"] == "VSERPORT_CHANGE":
                self.port_changed(event["data"]["id"], event["data"]["open"])
            self.take_event(event["event"])

    def port_changed(self, port, is_open):
        """The guest has the port of results open from its start to its end: in between only a reset of the device closes it."""
        if port == "port-results" and not self.off and (not is_open or self.ports_reset is not None):
            self.ports_reset = self.clock.seconds()

    def take_event(self, name):
        """What QEMU tells by itself; most of it is nothing to a guest that runs its tests."""

    def end_of_machine(self):
        """What is known of how QEMU ended: a guest that resets itself, or a QEMU that crashes, says nothing on its console."""
        if not self.machine.process:
            return "QEMU was not started"
        if not self.machine.wait(1):
            return "QEMU still runs"
        try:
            while self.qmp:  # to the end of the socket
                self.qmp.events.append(self.qmp.read())
                self.take_events()
        except (EOFError, OSError):
            pass
        status = self.machine.process.returncode
        self.map_was_stale = status == -signal.SIGABRT and STALE_MAP in self.machine.errors()
        how = f"by signal {-status}" if status < 0 else f"with exit status {status}"
        words = [f"QEMU ended {how}", f"the reason of its shutdown: {self.shutdown or 'none told'}", self.machine.errors()]
        return "; ".join(filter(None, words))

    def take_console(self, line):
        self.console.append(line)

    def take_control(self, line):
        answer = self.requests.answer(line)
        try:
            self.machine.host_ends["control"].sendall(answer.encode() + b"\n")
        except ConnectionError:
            pass  # QEMU has ended, which is told by whoever sees that

    def take_results(self, line):
        self.ports_reset = None
        if line.startswith("#dmesg "):
            self.dmesg.append(line[7:])
        elif line.startswith("#kmemleak "):
            self.leaks.append(line[10:])
        elif line.startswith(PREFIX):
            word, _, rest = line[len(PREFIX):].partition(" ")
            getattr(self, "told_" + word)(rest)
        elif self.current:
            self.tests[self.current].append(line)
            if self.follow:
                self.follow(line)
        elif self.echo:
            self.echo(line)
        elif line.strip():
            self.console.append(line)

    def told_start(self, name):
        self.current = name
        self.tests[name] = []
        self.allow((self.limits or {}).get(name, 0))

    def told_exit(self, rest):
        name, status = rest.split()
        self.current = None
        self.ended_tests.add(name)
        self.allow(0)
        if self.test_ended:
            self.test_ended(name, self.tests[name])
        # A test's own failures are in its KTAP; 1 repeats them, 4 is kselftest's skip.
        if int(status) in (137, 143):
            self.problems.append(f"{name}: killed, it took too long")
        elif int(status) > 127:
            self.problems.append(f"{name}: ended by signal {int(status) - 128}")
        elif int(status) not in (0, 1, 4, 77):
            self.problems.append(f"{name}: exit status {status}")

    def told_leak(self, rest):
        self.problems.append("left processes behind: " + rest)

    def told_failed(self, rest):
        self.problems.append(rest)

    def told_status(self, rest):
        self.status = int(rest)

    def told_taint(self, rest):
        self.taint |= int(rest)

    def told_end(self, _):
        self.ended = True

    def told_off(self, _):
        self.off = True

    def judge(self):
        blocked = blocked_tasks(self.tasks or self.dmesg)
        if blocked:
            self.problems.append("blocked tasks:\n" + "\n".join(blocked[:60]))
        fail_nth = getattr(self.options, "fail_nth", False)
        leaks, leaked = splats.leaks(self.leaks, fail_nth)
        if leaks:
            count = sum(line.startswith("unreferenced object") for line in leaks)
            self.problems.append(f"kmemleak: {count} objects leaked: " + ";".join(leaks[:30]))
        splat, excepted = splats.scan(self.dmesg, fail_nth, leaked)
        # The console has the same lines, and what a guest that is gone could not hand over.
        splat = splat or splats.scan(self.console, fail_nth, leaked)[0]
        if splat:
            self.problems.append("kernel splat:\n" + splat)
        tainted = splats.describe_taint(self.taint, splats.WARNING_TAINT if excepted else 0)
        if tainted:
            self.problems.append(f"kernel tainted: {tainted}")
        if self.goes_on_elsewhere():
            return
        if not self.ended and not self.problems:
            self.problems.append(f"the guest ended early: no end mark; {self.how_ended}\n" + "\n".join(self.console[-15:]))
        elif not self.ended:
            self.problems.append(f"{self.how_ended}; last console lines:\n" + "\n".join(self.console[-15:]))

    def log_lines(self):
        """What the guest's kernel said."""
        blocked = ["--- blocked tasks, processors ---", *self.tasks] if self.tasks else []
        leaks = ["--- kmemleak ---", *self.leaks] if self.leaks else []
        return [*self.console, *blocked, *leaks, "--- dmesg ---", *self.dmesg]

    def goes_on_elsewhere(self):
        """Why another guest has to tell the rest, which is nothing that was to be tested; None if it need not."""
        if self.ports_dead:
            return "silent since a suspend, its ports are dead"
        return "QEMU used a memory map that had changed" if self.map_was_stale else None

    def follow_up(self, earlier):
        """Takes over what an earlier guest told."""
        self.problems = earlier.problems + self.problems
        self.tests = {name: lines for name, lines in earlier.tests.items() if name in earlier.ended_tests} | self.tests
        self.ended_tests |= earlier.ended_tests
        self.console = [*earlier.log_lines(), f"--- another guest: {earlier.goes_on_elsewhere()} ---", *self.console]

    def migrate(self):
        """Moves the guest to a new process; called while the guest waits for an answer."""
        target = Machine(self.options, self.job, incoming=True)
        target.start()
        try:
            target_qmp = self.control_of(target)
            address = f"unix:{self.options.scratch}/migrate-{target.process.pid}"
            target_qmp.execute("migrate-incoming", uri=address)
            self.qmp.execute("migrate", uri=address)
            while (state := self.qmp.execute("query-migrate").get("status")) not in ("completed", "failed", "cancelled"):
                time.sleep(0.02)
            if state != "completed":
                raise ValueError(f"migration {state}: {target.errors()}")
            while target_qmp.execute("query-status")["status"] not in ("running", "suspended"):
                time.sleep(0.02)
        except BaseException:
            target.kill()
            raise
        self.drain()
        self.machine.kill()
        self.machine, self.qmp = target, target_qmp
