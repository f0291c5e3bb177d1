# SPDX-License-Identifier: GPL-2.0
"""One QEMU process: its command line, its sockets and its end."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import cpio
from boards import BOARDS

PR_SET_PDEATHSIG = 1
CHANNELS = ("console", "results", "control", "qmp")


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def memory_fd(name, data):
    """A file in memory."""
    fd = os.memfd_create(name, 0)
    with open(fd, "wb", closefd=False) as out:
        out.write(data)
    return fd


def initrd_fd(image, files):
    """The image with the VM's own files appended."""
    data = Path(image).read_bytes()
    return memory_fd("initrd", data + b"\0" * (-len(data) % 512) + cpio.archive(files))


class Machine:
    def __init__(self, options, job, interactive=False, incoming=False):
        self.options = options
        self.board = BOARDS[options.arch]
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
        initrd = initrd_fd(opt.image, {"job": job.encode()})
        tree = self.board.device_tree(opt)
        self.memory_files = [initrd]
        # The kernel's own limits are of the wall: a busy host may leave a processor out for half a minute, or for the ten
        # ticks in which the timer must show that it works.
        append = [f"console={self.board.console}", "loglevel=5", "panic=-1", "oops=panic", "no_timer_check", "watchdog_thresh=60",
                  "sysrq_always_enabled", "rcupdate.rcu_cpu_stall_timeout=300", *self.board.parameters(opt)]
        if opt.debug_memory:
            append += ["slub_debug=FZPU", "page_poison=1", "kfence.sample_interval=10"]
        elif opt.kernel.endswith("-kasan"):
            append += ["page_poison=1"]
        if opt.iommu:
            append += [*self.board.iommu_parameters, "iommu.strict=1"]
        if self.interactive:
            append += ["quiet", "loglevel=3"]
        append += opt.append.split()
        command = [
            opt.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-L", "/usr/share/qemu", "-L", "/usr/share/seabios",
            *self.board.machine(opt), "-smp", str(opt.cpus), "-m", str(opt.memory),
            "-kernel", str(kernel / "vmlinuz"), "-initrd", f"/dev/fd/{initrd}", "-append", " ".join(append),
        ]
        if tree:
            self.memory_files.append(memory_fd("dtb", tree))
            command += ["-dtb", f"/dev/fd/{self.memory_files[-1]}"]
        if self.interactive:
            command += ["-chardev", "stdio,id=console,signal=off"]
        else:
            command += self.channel("console")
        command += ["-serial", "chardev:console"]
        command += self.channel("qmp") + ["-mon", "chardev=qmp,mode=control"]
        command += self.board.devices(opt)
        command += self.ports()
        if opt.vectors and not opt.migratable:
            command += ["-fsdev", f"local,id=vectors,path={opt.vectors},security_model=none,readonly=on",
                        "-device", "virtio-9p-pci,fsdev=vectors,mount_tag=vectors"]
        for index in range(opt.devices):
            before, device = self.board.accelerator(opt, index)
            command += [*before, "-device", ",".join(filter(None, [device, opt.device_props]))]
        if opt.disk:
            command += ["-drive", f"if=none,id=disk,format=raw,readonly=on,file={opt.disk}",
                        "-device", "nvme,serial=disk,drive=disk"]
        if incoming:
            command += ["-incoming", "defer"]
        return command + opt.qemu_args

    def ports(self):
        """The guest's ways to the runner."""
        names = ("results", "control")
        command = [word for name in names for word in self.channel(name)]
        if self.options.serial:
            return command + self.board.serial_lines(names)
        return command + ["-device", "virtio-serial-pci,id=ports,max_ports=4"] + [
            word for name in names for word in ("-device", f"virtserialport,id=port-{name},bus=ports.0,chardev={name},name=xq.{name}")]

    def start(self):
        fds = [end.fileno() for end in self.inherited] + self.memory_files
        self.process = subprocess.Popen(
            self.command, pass_fds=fds, stdin=None if self.interactive else subprocess.DEVNULL,
            stdout=None if self.interactive else self.stderr, stderr=self.stderr,
            preexec_fn=die_with_parent, start_new_session=not self.interactive)
        for end in self.inherited:
            end.close()
        for fd in self.memory_files:
            os.close(fd)

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

    def stacks(self):
        """Where QEMU's own threads are, if gdb is there to tell."""
        gdb = shutil.which("gdb")
        if not gdb or self.process.poll() is not None:
            return []
        try:
            return subprocess.run([gdb, "-p", str(self.process.pid), "-batch", "-ex", "thread apply all bt"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                                  check=False).stdout.splitlines()
        except subprocess.TimeoutExpired:
            return []

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace").strip()
