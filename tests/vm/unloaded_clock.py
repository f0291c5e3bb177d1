# SPDX-License-Identifier: GPL-2.0
"""A clock that runs as fast as the machine is free.

A limit in seconds of this clock is a limit in seconds of a machine that has nothing else to do: where four processes want
two processors, or the hypervisor takes half of them away, two seconds of the wall are one second here. It stands for
what is waited for, too, such as a guest that sleeps, and never stands still, so what hangs is found.
"""

import bisect
import os
import threading
import time

TICK = 0.25


def runnable():
    """Threads that run or could run, without the one that asks."""
    with open("/proc/loadavg", encoding="ascii") as file:
        return int(file.read().split()[3].split("/")[0]) - 1


def processor_ticks():
    """(all, stolen by the hypervisor) since boot."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return sum(fields), fields[7]


class UnloadedClock:
    def __init__(self, cpus=os.cpu_count(), load=runnable, ticks=processor_ticks, now=time.monotonic):
        self.cpus, self.load, self.ticks, self.now = cpus, load, ticks, now
        self.lock = threading.Lock()
        self.history = [(now(), 0.0)]  # (wall, this clock), ascending
        self.last_ticks = ticks()

    def slowdown(self):
        """How much longer things take now than on a free machine."""
        total, stolen = self.ticks()
        passed, lost = total - self.last_ticks[0], stolen - self.last_ticks[1]
        self.last_ticks = total, stolen
        share = 1 - lost / passed if passed > 0 else 1
        return max(1, self.load() / self.cpus) / max(share, 0.05)

    def sample(self):
        with self.lock:
            wall, seconds = self.history[-1]
            now = self.now()
            self.history.append((now, seconds + (now - wall) / self.slowdown()))

    def seconds(self):
        """Since the clock was made, as of the last sample."""
        return self.history[-1][1]

    def of_last(self, wall_seconds):
        """What passed here in the last so many seconds of the wall."""
        with self.lock:
            now = self.history[-1]
            at = bisect.bisect_right(self.history, (now[0] - wall_seconds, float("inf")))
            if at == 0:
                return now[1] + wall_seconds - (now[0] - self.history[0][0])
            before, after = self.history[at - 1], self.history[min(at, len(self.history) - 1)]
            inside = now[0] - wall_seconds - before[0]
            width = after[0] - before[0]
            return now[1] - before[1] - (inside * (after[1] - before[1]) / width if width else 0)

    def run(self):
        while True:
            time.sleep(TICK)
            self.sample()


_shared = None
_make = threading.Lock()


def shared():
    """The process's clock; a thread keeps it going."""
    global _shared
    with _make:
        if not _shared:
            _shared = UnloadedClock()
            threading.Thread(target=_shared.run, daemon=True).start()
        return _shared
