#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The accelerator in QEMU, without a guest: test_qemu_device.py QEMU-BINARY. Prints KTAP."""

import contextlib
import os
import random
import struct
import sys
import tempfile
import time
import traceback

import accelerator as hw
from qtest import Qtest

DEVICE = "xqaccel,id=xq,addr=3,threads=2"
BINARY = sys.argv[1] if len(sys.argv) > 1 else "build/qemu/qemu-system-x86_64"


@contextlib.contextmanager
def machine(*options, device=DEVICE):
    """A machine with one accelerator that is set up."""
    vm = Qtest(BINARY, *options, "-device", device)
    try:
        xq = hw.Accelerator(vm)
        xq.setup()
        yield xq
    except BaseException:
        vm.process.kill()
        raise
    vm.close()


def expect(condition, text="not so"):
    if not condition:
        raise AssertionError(text)


def equal(got, want, what="value"):
    expect(got == want, f"{what} is {got!r}, not {want!r}")


def run(xq, job, status=hw.OK):
    """Submit and wait; checks the result of a job that should succeed."""
    xq.store(job)
    xq.submit(job)
    done = xq.reap()
    expect(done, "no completion")
    equal(done[:2], (job.id, status), "completion")
    if status == hw.OK:
        equal(xq.result(job), job.product(), "C")
    return done


def endless():
    """A job that takes many seconds: A and B repeat one row of a mebibyte."""
    job = hw.Job(1, 1, 1 << 20)
    job.m = job.n = 512
    job.address_c = 0x800000

    def descriptor(plain=job.descriptor):
        data = bytearray(plain())
        for operand, address, stride in ((0, hw.DATA, 0), (1, hw.DATA, 0), (2, job.address_c, 2048)):
            struct.pack_into("<4Q", data, hw.OPERANDS + 32 * operand, address, stride, 0, 0)
        return bytes(data)

    job.descriptor = descriptor
    return job


def start_endless(xq):
    xq.qom_set("hang-jobs", 0)
    job = endless()
    xq.submit(job)
    time.sleep(0.05)
    expect(not xq.read(hw.queue(0, hw.Q_STATUS)) & hw.Q_IDLE, "the job does not run")
    return job


def test_identification():
    with machine() as xq:
        equal(xq.machine.config_read(xq.bdf, 0), 0x10FA1AF4, "PCI id")
        equal(xq.machine.config_read(xq.bdf, 8) >> 16, 0x1200, "class")
        equal(xq.read(0), hw.ID, "ID")
        equal(xq.read(8), 8, "queues")
        equal(xq.read(0x1C), 2, "threads")
        equal(xq.read(hw.STATUS), 1, "status")
        equal(xq.machine.read(hw.BAR, 1), b"\xff", "a byte access")
        equal(xq.machine.read64(hw.BAR), 2**64 - 1, "an access of eight bytes")


def test_properties():
    with machine(device="xqaccel,id=xq,addr=3,queues=2,contexts=7,threads=1,isa=scalar,hang-jobs=3") as xq:
        equal((xq.read(8), xq.read(0xC), xq.read(0x1C)), (2, 7, 1), "queues, contexts, threads")
        equal(xq.machine.read(hw.BAR + 0x80, 4), b"scal", "isa")
        equal(xq.qom_get("hang-jobs"), 3, "hang-jobs")


def test_bad_properties():
    for bad in ("queues=9", "contexts=5000", "threads=100000", "isa=z80", "hang-jobs=4294967296"):
        try:
            with machine(device=f"xqaccel,id=xq,addr=3,{bad}"):
                pass
        except RuntimeError as error:
            expect(error.args[0], "no message")
            continue
        raise AssertionError(f"{bad} was accepted")


def test_gemm():
    with machine() as xq:
        for shape in ((1, 1, 1), (5, 7, 33), (16, 17, 200)):
            run(xq, hw.Job(*shape))
            expect(xq.interrupted(1), "no interrupt")
            expect(not xq.interrupted(0), "error interrupt")


def test_rings_wrap():
    with machine() as xq:
        for _ in range(3 * hw.ENTRIES):
            run(xq, hw.Job(2, 2, 3))


def test_translation_fault():
    with machine() as xq:
        job = hw.Job(3, 3, 3)
        job.address_b = 0x3000000
        equal(run(xq, job, hw.FAULT)[2], 0x3000000, "fault address")
        run(xq, hw.Job(3, 3, 3))


def test_no_memory_behind():
    """Page tables that point to holes and to registers, the device's own among them."""
    with machine() as xq:
        for bus in (0xD0000000, hw.BAR, hw.MSIX, 0xFEE00000, 1 << 45):
            xq.machine.write64(hw.LOW + 8, bus | 7)
            for operand in ("address_a", "address_c"):
                job = hw.Job(3, 3, 3)
                setattr(job, operand, 0x201000)
                equal(run(xq, job, hw.DMA)[2], 0x201000, f"fault address at bus {bus:#x}")
        run(xq, hw.Job(3, 3, 3))


def test_rings_in_registers():
    with machine() as xq:
        for address in (hw.BAR, hw.BAR + 0x4000, 0xD0000000):
            xq.write(hw.queue(1, hw.SQ_BASE), address)
            xq.write(hw.queue(1, hw.CQ_BASE), address)
            xq.write(hw.queue(1, hw.SIZE), 2)
            xq.write(hw.queue(1, hw.Q_CTRL), hw.ENABLE)
            xq.write(hw.queue(1, hw.SQ_TAIL), 3)
            time.sleep(0.01)
            xq.write(hw.queue(1, hw.Q_CTRL), hw.Q_RESET)
            expect(xq.wait_clear(hw.queue(1, hw.Q_CTRL), hw.Q_RESET), "reset never ends")
        run(xq, hw.Job(3, 3, 3))


def test_queue_reset_running():
    with machine() as xq:
        start_endless(xq)
        xq.write(hw.queue(0, hw.Q_CTRL), hw.Q_RESET)
        expect(xq.wait_clear(hw.queue(0, hw.Q_CTRL), hw.Q_RESET), "reset never ends")
        xq.setup_queues()
        run(xq, hw.Job(4, 5, 6))


def test_function_reset_running():
    with machine() as xq:
        start_endless(xq)
        xq.write(hw.CTRL, hw.RESET)
        expect(xq.wait_clear(hw.CTRL, hw.RESET), "reset never ends")
        xq.setup_queues()
        run(xq, hw.Job(4, 5, 6))


def test_flr_running():
    vm = Qtest(BINARY, "-device", "pcie-root-port,id=rp,addr=4,chassis=1", "-device", "xqaccel,id=xq,bus=rp")
    xq = behind_port(vm)
    start_endless(xq)
    at = xq.find_capability(0x10)
    vm.config_write(xq.bdf, at + 8, vm.config_read(xq.bdf, at + 8) & 0xFFFF | 1 << 15)
    xq.setup()
    run(xq, hw.Job(4, 5, 6))
    vm.close()


def test_system_reset_running():
    with machine() as xq:
        start_endless(xq)
        xq.machine.qmp.execute("system_reset")
        xq.machine.qmp.wait_event("RESET")
        xq.setup()
        run(xq, hw.Job(4, 5, 6))


def test_bus_master_off_running():
    with machine() as xq:
        start_endless(xq)
        xq.set_command(hw.MEMORY)
        expect(xq.read(hw.queue(0, hw.Q_STATUS)) & hw.Q_ERROR, "the queue goes on")
        xq.set_command(hw.MEMORY | hw.MASTER)
        xq.write(hw.queue(0, hw.Q_CTRL), hw.Q_RESET)
        xq.setup_queues()
        run(xq, hw.Job(4, 5, 6))


def test_stop_and_continue():
    with machine() as xq:
        job = hw.Job(30, 30, 300)
        xq.store(job)
        xq.qom_set("slow-ns", 50_000_000)
        xq.submit(job)
        xq.machine.qmp.execute("stop")
        xq.qom_set("slow-ns", 0)
        xq.machine.qmp.execute("cont")
        equal(xq.reap()[:2], (job.id, hw.OK), "completion")
        equal(xq.result(job), job.product(), "C")


def behind_port(vm, slot=4):
    """The accelerator behind a root port, whose bus is numbered and whose window is opened first."""
    port = slot << 3
    vm.config_write(port, 0x18, 0x00010100)
    vm.config_write(port, 0x20, 0xE010E000)
    vm.config_write(port, hw.PCI_COMMAND, hw.MEMORY | hw.MASTER)
    xq = hw.Accelerator(vm, bdf=1 << 8)
    xq.setup()
    return xq


def test_unplug_running():
    # The port's own hotplug registers, not ACPI's.
    vm = Qtest(BINARY, "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
               "-device", "pcie-root-port,id=rp,addr=4,chassis=1", "-device", "xqaccel,id=xq,bus=rp")
    port = hw.Accelerator(vm, bdf=4 << 3)
    slot_control = port.find_capability(0x10) + 0x18
    for _ in range(3):
        start_endless(behind_port(vm))
        vm.qmp.execute("device_del", id="xq")
        # The guest agrees and powers the slot off.
        vm.config_write(port.bdf, slot_control, 0x0700)
        while vm.qmp.wait_event("DEVICE_DELETED")["data"].get("device") != "xq":
            pass
        expect(vm.readl(hw.BAR) != hw.ID, "the registers are still there")
        vm.qmp.execute("device_add", driver="xqaccel", id="xq", bus="rp")
        vm.config_write(port.bdf, slot_control, 0x0100)
    run(behind_port(vm), hw.Job(4, 5, 6))
    vm.close()


def migrate(job, before):
    """Submit on one machine, migrate while it runs, reap on the other."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "migration")
        source = Qtest(BINARY, "-device", DEVICE)
        target = Qtest(BINARY, "-device", DEVICE, "-incoming", f"unix:{path}")
        xq = hw.Accelerator(source)
        xq.setup()
        run(xq, hw.Job(3, 4, 5))
        xq.store(job)
        before(xq)
        xq.submit(job)
        source.qmp.execute("migrate", uri=f"unix:{path}")
        target.qmp.wait_event("RESUME")
        while source.qmp.execute("query-migrate")["status"] != "completed":
            time.sleep(0.01)
        xq.machine = target
        done = xq.reap()
        expect(done, "no completion")
        equal(done[:2], (job.id, hw.OK), "completion")
        equal(xq.result(job), job.product(), "C")
        run(xq, hw.Job(3, 4, 5))
        equal(xq.read(hw.JOBS), 3, "jobs counted")
        source.close()
        target.close()


def test_migrate_running():
    migrate(hw.Job(60, 60, 3000), lambda xq: xq.qom_set("slow-ns", 60_000_000_000))


def test_migrate_hung():
    migrate(hw.Job(20, 30, 40), lambda xq: xq.qom_set("hang-jobs", 1))


def test_fault_properties():
    with machine() as xq:
        xq.qom_set("dma-errors", 1)
        run(xq, hw.Job(3, 3, 3), hw.DMA)
        equal(xq.qom_get("dma-errors"), 0, "dma-errors")
        xq.qom_set("drop-interrupts", 1)
        xq.interrupted(1)
        run(xq, hw.Job(3, 3, 3))
        expect(not xq.interrupted(1), "the interrupt was raised")
        xq.qom_set("wrong-id", 1)
        job = hw.Job(3, 3, 3)
        xq.submit(job)
        expect(xq.reap()[0] != job.id, "the id is right")
        xq.qom_set("hang-jobs", 1)
        xq.submit(job)
        expect(xq.reap(0.05) is None, "the job ended")
        xq.qom_set("stuck-reset", 1)
        xq.write(hw.queue(0, hw.Q_CTRL), hw.Q_RESET)
        expect(not xq.wait_clear(hw.queue(0, hw.Q_CTRL), hw.Q_RESET, 0.05), "the reset ended")
        xq.qom_set("stuck-reset", 0)
        expect(xq.wait_clear(hw.queue(0, hw.Q_CTRL), hw.Q_RESET), "the reset never ends")


def test_surprise_removal_running():
    with machine() as xq:
        start_endless(xq)
        xq.qom_set("removed", True)
        equal(xq.read(0), 0xFFFFFFFF, "ID")
        equal(xq.machine.config_read(xq.bdf, 0), 0xFFFFFFFF, "PCI id")
        xq.set_command(0)
        xq.qom_set("removed", False)
        xq.setup()
        run(xq, hw.Job(4, 5, 6))


def setup_iommu(vm):
    """Intel's IOMMU: the first 2 MiB-pages of memory are mapped onto themselves, except for 10 .. 12 MiB."""
    base, root, context, tables = 0xFED90000, 0x100000, 0x101000, 0x102000
    vm.write(root, bytes(0x5000))
    vm.write64(root, context | 1)
    vm.write64(context + 16 * (3 << 3), tables | 1)
    vm.write64(context + 16 * (3 << 3) + 8, 1 << 8 | 1)
    vm.write64(tables, tables + 0x1000 | 3)
    for i in range(32):
        if i != 5:
            vm.write64(tables + 0x1000 + 8 * i, i << 21 | 0x83)
    vm.write64(base + 0x20, root)
    vm.writel(base + 0x18, 1 << 30)
    vm.writel(base + 0x18, 1 << 31)
    expect(vm.readl(base + 0x1C) & 1 << 31, "the IOMMU is not on")


def test_iommu():
    with machine("-device", "intel-iommu") as xq:
        setup_iommu(xq.machine)
        run(xq, hw.Job(4, 5, 6))
        for operand in ("address_a", "address_c"):
            job = hw.Job(3, 3, 3)
            setattr(job, operand, 0xA01000)
            equal(run(xq, job, hw.DMA)[2], 0xA01000, "fault address")
        run(xq, hw.Job(4, 5, 6))


def main():
    tests = [(name[5:], function) for name, function in globals().items() if name.startswith("test_")]
    wanted = sys.argv[2:]
    tests = [test for test in tests if not wanted or test[0] in wanted]
    print(f"KTAP version 1\n1..{len(tests)}")
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        random.seed(number)
        try:
            function()
            print(f"ok {number} {name}", flush=True)
        except Exception as error:  # every failure of a test is its result
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {number} {name}: {type(error).__name__}", flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
