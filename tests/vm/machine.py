# SPDX-License-Identifier: GPL-2.0
"""One QEMU process: its command line, its sockets and its end."""

import ctypes
import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import cpio

PR_SET_PDEATHSIG = 1
CHANNELS = ("console", "results", "control", "qmp")


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kvm_works():
    """A /dev/kvm may exist where guests hang, so the processor has to say so itself."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        flags = next((line.split() for line in cpuinfo if line.startswith("flags")), [])
    return ("vmx" in flags or "svm" in flags) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def initrd_fd(image, files):
    """The image with the VM's own files appended, in memory."""
    fd = os.memfd_create("initrd", 0)
    with open(fd, "wb", closefd=False) as out:
        data = Path(image).read_bytes()
        out.write(data + b"\0" * (-len(data) % 512) + cpio.archive(files))
    return fd


class Machine:
    def __init__(self, options, job, interactive=False, incoming=False):
        self.options = options
        self.interactive = interactive
        self.host_ends = {}
        self.process = None
        self.stderr = tempfile.TemporaryFile()
        self.inherited = []
        self.command = self.command_line(job, incoming)

    def channel(self, name):
        """A chardev whose other end is a socket of ours, so that nothing appears in the file system."""
        ours, theirs = socket.socketpair()
        self.host_ends[name] = ours
        self.inherited.append(theirs)
        return ["-chardev", f"socket,id={name},fd={theirs.fileno()}"]

    def command_line(self, job, incoming):
        opt = self.options
        kernel = Path(opt.kernel_dir)
        self.initrd = initrd_fd(opt.image, {"job": job.encode()})
        accel = "kvm" if kvm_works() else "tcg,thread=multi"
        cpu = "host" if accel == "kvm" else "max,la57=off"
        # The kernel's own limits are of the wall: a busy host may leave a processor out for half a minute, or for the ten
        # ticks in which the timer must show that it works.
        append = ["console=ttyS0", "loglevel=5", "panic=-1", "oops=panic", "no_timer_check", "watchdog_thresh=60",
                  "rcupdate.rcu_cpu_stall_timeout=300"]
        if opt.debug_memory:
            append += ["slub_debug=FZPU", "page_poison=1", "kfence.sample_interval=10"]
        if opt.iommu:
            append += ["intel_iommu=on", "iommu.strict=1"]
        if self.interactive:
            append += ["quiet", "loglevel=3"]
        append += opt.append.split()
        command = [
            opt.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-L", "/usr/share/qemu", "-L", "/usr/share/seabios",
            "-M", "q35" + (",kernel-irqchip=split" if opt.iommu and accel == "kvm" else ""),
            "-accel", accel, "-cpu", cpu, "-smp", str(opt.cpus), "-m", str(opt.memory),
            "-kernel", str(kernel / "vmlinuz"), "-initrd", f"/dev/fd/{self.initrd}", "-append", " ".join(append),
        ]
        if self.interactive:
            command += ["-chardev", "stdio,id=console,signal=off"]
        else:
            command += self.channel("console")
        command += ["-serial", "chardev:console"]
        command += self.channel("qmp") + ["-mon", "chardev=qmp,mode=control"]
        if opt.iommu:
            command += ["-device", "intel-iommu,intremap=on,caching-mode=off"]
        if opt.native_hotplug:
            command += ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
        command += self.ports()
        if opt.vectors and not opt.migratable:
            command += ["-fsdev", f"local,id=vectors,path={opt.vectors},security_model=none,readonly=on",
                        "-device", "virtio-9p-pci,fsdev=vectors,mount_tag=vectors"]
        for index in range(opt.devices):
            command += ["-device", f"pcie-root-port,id=rp{index},slot={index + 1},chassis={index + 1}",
                        "-device", self.device(index)]
        if opt.disk:
            command += ["-drive", f"if=none,id=disk,format=raw,readonly=on,file={opt.disk}",
                        "-device", "nvme,serial=disk,drive=disk"]
        if incoming:
            command += ["-incoming", "defer"]
        return command + opt.qemu_args

    def ports(self):
        """The guest's ways to the runner."""
        command = [] if self.options.serial else ["-device", "virtio-serial-pci,id=ports,max_ports=4"]
        for name in ("results", "control"):
            command += self.channel(name)
            command += ["-serial", f"chardev:{name}"] if self.options.serial else [
                "-device", f"virtserialport,bus=ports.0,chardev={name},name=xq.{name}"]
        return command

    def device(self, index):
        return f"xqaccel,id=xq{index},bus=rp{index}" + ("," + self.options.device_props if self.options.device_props else "")

    def start(self):
        fds = [end.fileno() for end in self.inherited] + [self.initrd]
        self.process = subprocess.Popen(
            self.command, pass_fds=fds, stdin=None if self.interactive else subprocess.DEVNULL,
            stdout=None if self.interactive else self.stderr, stderr=self.stderr,
            preexec_fn=die_with_parent, start_new_session=not self.interactive)
        for end in self.inherited:
            end.close()
        os.close(self.initrd)

    def wait(self, seconds):
        """Waits for the end; returns False if QEMU had to be killed."""
        try:
            self.process.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in self.host_ends.values():
            end.close()

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace").strip()
