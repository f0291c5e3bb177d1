# SPDX-License-Identifier: GPL-2.0
"""The machines that QEMU emulates for a guest, and what they differ in: its processors' architecture says which."""

import os
from pathlib import Path

import device_tree

HERE = Path(__file__).resolve().parent


def kvm_works():
    """A /dev/kvm may exist where guests hang, so the processor has to say so itself."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        flags = next((line.split() for line in cpuinfo if line.startswith("flags")), [])
    return ("vmx" in flags or "svm" in flags) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def behind_a_port(index):
    """A PCI Express function that can be unplugged: (QEMU's arguments before it, the device)."""
    return (["-device", f"pcie-root-port,id=rp{index},slot={index + 1},chassis={index + 1}"],
            f"xqaccel,id=xq{index},bus=rp{index}")


class Q35:
    """A PC."""

    target = "x86_64"
    console = "ttyS0"
    iommu_parameters = ["intel_iommu=on"]

    def machine(self, options):
        kvm = os.uname().machine == "x86_64" and kvm_works()
        split = ",kernel-irqchip=split" if options.iommu and kvm else ""
        if options.count_instructions:
            return ["-M", "q35", "-accel", "tcg,thread=single", "-icount", "shift=0", "-cpu", "max,la57=off"]
        return ["-M", "q35" + split, "-accel", "kvm" if kvm else "tcg,thread=multi", "-cpu", "host" if kvm else "max,la57=off"]

    def parameters(self, options):
        """The kernel's, beside those of every machine."""
        return []

    def devices(self, options):
        command = ["-device", "intel-iommu,intremap=on,caching-mode=off"] if options.iommu else []
        if options.native_hotplug:
            command += ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
        return command

    def device_tree(self, options):
        """The bytes of one, if QEMU's own does not do."""
        return None

    def accelerator(self, options, index):
        return behind_a_port(index)

    def serial_lines(self, names):
        """Beside the console."""
        return [word for name in names for word in ("-serial", f"chardev:{name}")]


class Virt:
    """QEMU's machine without a counterpart, described by a device tree. Its processors are those that are translated fastest
    among those with dot products."""

    target = "aarch64"
    console = "ttyAMA0"
    iommu_parameters = []

    def machine(self, options):
        iommu = ",iommu=smmuv3" if options.iommu else ""
        name = "xqaccel-virt" if options.bus == "platform" else "virt"
        return ["-M", f"{name},gic-version=3" + iommu, "-accel", "tcg,thread=multi", "-cpu", "neoverse-n1"]

    def parameters(self, options):
        # Linux 7.3 suspends a port whose slot is empty, and waits to be woken by its PME, which QEMU's ports do not send: what
        # is plugged in then is not found.
        return ["pcie_port_pm=off"] if options.kernel == "newest" else []

    def devices(self, options):
        return []

    def device_tree(self, options):
        if options.bus != "platform" and not options.tree:
            return None
        machine = [*self.machine(options), "-smp", str(options.cpus), "-m", str(options.memory)]
        overlay = HERE / "accelerator.dtso" if options.bus == "platform" else None
        return device_tree.tree(options.qemu, machine, overlay, [("/soc/accelerator@c000000", options.node), *options.tree])

    def accelerator(self, options, index):
        return ([], f"xqaccel-sysbus,id=xq{index}") if options.bus == "platform" else behind_a_port(index)

    def serial_lines(self, names):
        # With two lines too few: QEMU 10.0 saves the state of four of pci-serial-2x, too, and dies of those that are not there.
        return ["-device", "pci-serial-4x," + ",".join(f"chardev{number}={name}" for number, name in enumerate(names, 1))]


BOARDS = {"x86": Q35(), "arm64": Virt()}
