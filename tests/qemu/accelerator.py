# SPDX-License-Identifier: GPL-2.0
"""A driver of the accelerator for tests, as small as can be: one context, flat memory, one queue used."""

import random
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "vm"))
import unloaded_clock  # noqa: E402

BAR, MSIX = 0xE0000000, 0xE0100000
ID = 0x43415158
CTRL, STATUS, ERROR, CTX_TABLE, JOBS = 0x100, 0x104, 0x108, 0x110, 0x140
SQ_BASE, CQ_BASE, SIZE, Q_CTRL, Q_STATUS, SQ_HEAD, CQ_TAIL, SQ_TAIL, CQ_HEAD = (
    0x00, 0x08, 0x10, 0x14, 0x18, 0x1C, 0x20, 0x40, 0x44)
ENABLE, RESET, IRQ = 1, 2, 16
Q_RESET, Q_ABORT, Q_IDLE, Q_ERROR = 8, 4, 2, 4
OK, FAULT, DMA, INVALID, CANCELED = 0, 1, 2, 3, 5
ACCUMULATE = 1
PCI_COMMAND, MEMORY, MASTER = 4, 2, 4

# Guest memory: rings, tables, then data that context 0 sees at the same address.
SQ, CQ, CTX, TOP, MIDDLE, LOW, MSI = 0x200000, 0x204000, 0x208000, 0x209000, 0x20A000, 0x20B000, 0x20F000
DATA = 0x400000
RING_LOG2 = 4
ENTRIES = 1 << RING_LOG2
DESCRIPTOR, OPERANDS = 1024, 256


def queue(number, register):
    return 0x4000 + 0x1000 * number + register


class Job:
    """C = A x B^T of s8, with random operands."""

    def __init__(self, m, n, k, address=DATA, flags=0):
        self.m, self.n, self.k, self.flags = m, n, k, flags
        self.a, self.b = (random.randbytes(rows * k) for rows in (m, n))
        self.address_a = address
        self.address_b = address + m * k
        self.address_c = (self.address_b + n * k + 4095) & ~4095
        self.id = random.getrandbits(64)

    def descriptor(self):
        operands = [(self.address_a, self.k), (self.address_b, self.k), (self.address_c, 4 * self.n)]
        work = struct.pack("<2I8I2i", 1, self.flags, self.m, self.n, self.k, 1, 0, 1, 1, 0, 0, 0)
        places = b"".join(struct.pack("<4Q", address, stride, 0, 0) for address, stride in operands)
        return (struct.pack("<QII", self.id, 0, 0) + work.ljust(OPERANDS - 16, b"\0") + places).ljust(DESCRIPTOR, b"\0")

    def product(self):
        signed = [memoryview(data).cast("b") for data in (self.a, self.b)]
        rows_a, rows_b = ([part[i:i + self.k] for i in range(0, len(part), self.k)] for part in signed)
        return [sum(x * y for x, y in zip(a, b)) for a in rows_a for b in rows_b]


class Accelerator:
    def __init__(self, machine, bdf=3 << 3):
        self.machine = machine
        self.bdf = bdf
        self.tail = self.head = 0
        self.phase = 1

    def read(self, register):
        return self.machine.readl(BAR + register)

    def write(self, register, value):
        self.machine.writel(BAR + register, value)

    def write64(self, register, value):
        self.write(register, value)
        self.write(register + 4, value >> 32)

    def setup_pci(self):
        """What firmware and the kernel do."""
        for register, address in ((0x10, BAR), (0x14, 0), (0x20, MSIX)):
            self.machine.config_write(self.bdf, register, address)
        self.set_command(MEMORY | MASTER)

    def set_command(self, bits):
        self.machine.config_write(self.bdf, PCI_COMMAND, bits)

    def find_capability(self, wanted):
        at = self.machine.config_read(self.bdf, 0x34) & 0xFF
        while at:
            value = self.machine.config_read(self.bdf, at)
            if value & 0xFF == wanted:
                return at
            at = value >> 8 & 0xFF
        raise RuntimeError(f"no PCI capability {wanted:#x}")

    def setup_msix(self):
        """Every vector writes its number to memory instead of an interrupt controller."""
        at = self.find_capability(0x11)
        for vector in range(9):
            entry = MSIX + 16 * vector
            for i, value in enumerate((MSI + 4 * vector, 0, 0x100 + vector, 0)):
                self.machine.writel(entry + 4 * i, value)
        self.machine.config_write(self.bdf, at, self.machine.config_read(self.bdf, at) | 1 << 31)

    def interrupted(self, vector):
        """Whether the vector was raised since the last look."""
        value = self.machine.readl(MSI + 4 * vector)
        self.machine.writel(MSI + 4 * vector, 0)
        return value == 0x100 + vector

    def setup_memory(self):
        """Context 0: device addresses 4 MiB .. 8 MiB are bus addresses, as large pages; one small page besides."""
        machine = self.machine
        machine.write(CTX, bytes(0x7000))
        machine.write64(CTX, TOP | 1)
        machine.write64(TOP, MIDDLE | 1)
        machine.write64(MIDDLE + 8, LOW | 1)
        for i in range(2, 16):
            machine.write64(MIDDLE + 8 * i, i << 21 | 0x87)

    def setup_queues(self, queues=1):
        self.write64(CTX_TABLE, CTX)
        self.write(CTRL, ENABLE)
        for number in range(queues):
            self.write64(queue(number, SQ_BASE), SQ)
            self.write64(queue(number, CQ_BASE), CQ)
            self.write(queue(number, SIZE), RING_LOG2)
            self.write(queue(number, Q_CTRL), ENABLE | IRQ)
        self.machine.write(CQ, bytes(64 * ENTRIES))
        self.tail = self.head = 0
        self.phase = 1

    def setup(self):
        self.setup_pci()
        self.setup_msix()
        self.setup_memory()
        self.setup_queues()

    def store(self, job):
        self.machine.write(job.address_a, job.a)
        self.machine.write(job.address_b, job.b)

    def submit(self, job):
        self.machine.write(SQ + DESCRIPTOR * self.tail, job.descriptor())
        self.tail = (self.tail + 1) % ENTRIES
        self.write(queue(0, SQ_TAIL), self.tail)

    def reap(self, patience=20):
        """The next completion as (id, status, fault address, macs), None if there is none in time."""
        until = unloaded_clock.shared().seconds() + patience
        while True:
            entry = self.machine.read(CQ + 64 * self.head, 64)
            ident, _, _, macs, _, _, fault, status, _, _, phase = struct.unpack("<7Q4H", entry)
            if phase & 1 == self.phase:
                break
            if unloaded_clock.shared().seconds() > until:
                return None
            time.sleep(0.002)
        self.head = (self.head + 1) % ENTRIES
        self.phase ^= self.head == 0
        self.write(queue(0, CQ_HEAD), self.head)
        return ident, status, fault, macs

    def result(self, job):
        return list(struct.unpack(f"<{job.m * job.n}i", self.machine.read(job.address_c, 4 * job.m * job.n)))

    def wait_clear(self, register, bits, patience=20):
        until = unloaded_clock.shared().seconds() + patience
        while self.read(register) & bits:
            if unloaded_clock.shared().seconds() > until:
                return False
            time.sleep(0.002)
        return True

    def qom_set(self, name, value):
        self.machine.qmp.execute("qom-set", path="/machine/peripheral/xq", property=name, value=value)

    def qom_get(self, name):
        return self.machine.qmp.execute("qom-get", path="/machine/peripheral/xq", property=name)
