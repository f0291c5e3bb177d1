# SPDX-License-Identifier: GPL-2.0
"""QEMU without processors: a test reads and writes ports and memory over the qtest protocol."""

import ctypes
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "vm"))
import qmp  # noqa: E402

PR_SET_PDEATHSIG = 1
# Many times what a free machine takes; the runner, which knows how busy it is, ends what hangs before.
PATIENCE = 600


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Qtest:
    """One QEMU process."""

    def __init__(self, binary, *options):
        ends = [socket.socketpair() for _ in range(2)]
        qtest, control = (theirs.fileno() for _, theirs in ends)
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [binary, "-machine", "q35", "-m", "64", "-accel", "qtest", "-nodefaults", "-display", "none",
             "-L", "/usr/share/qemu", "-L", "/usr/share/seabios",
             "-chardev", f"socket,id=qtest,fd={qtest}", "-qtest", "chardev:qtest",
             "-chardev", f"socket,id=qmp,fd={control}", "-mon", "chardev=qmp,mode=control", *options],
            pass_fds=(qtest, control), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            preexec_fn=die_with_parent)
        for _, theirs in ends:
            theirs.close()
        self.socket = ends[0][0]
        self.socket.settimeout(PATIENCE)
        self.lines = self.socket.makefile("r", encoding="ascii")
        try:
            self.qmp = qmp.Qmp(ends[1][0], PATIENCE)
        except (EOFError, OSError) as error:
            self.process.wait()
            self.log.seek(0)
            raise RuntimeError(self.log.read().decode(errors="replace").strip() or str(error)) from error

    def close(self):
        """End the process; anything but a clean exit is an error, with what it printed."""
        try:
            self.qmp.execute("quit")
        except (EOFError, OSError):
            pass
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.log.seek(0)
        text = self.log.read().decode(errors="replace")
        # Line by line: sanitizers and assertions write here as well.
        if status or "ERROR" in text or "Assert" in text:
            raise RuntimeError(f"QEMU ended with status {status}: {text.strip()[-2000:]}")

    def command(self, text):
        self.socket.sendall(text.encode() + b"\n")
        while True:
            line = self.lines.readline()
            if not line:
                raise RuntimeError("QEMU closed the qtest socket")
            if line.startswith("OK"):
                return line.split()[1:]
            if line.startswith(("FAIL", "ERR")):
                raise RuntimeError(f"{text[:60]}: {line.strip()}")

    def read(self, address, size):
        return bytes.fromhex(self.command(f"read {address:#x} {size:#x}")[0][2:])

    def write(self, address, data):
        for start in range(0, len(data), 4096):
            piece = data[start:start + 4096]
            self.command(f"write {address + start:#x} {len(piece):#x} 0x{piece.hex()}")

    def readl(self, address):
        return int(self.command(f"readl {address:#x}")[0], 16)

    def writel(self, address, value):
        self.command(f"writel {address:#x} {value & 0xffffffff:#x}")

    def read64(self, address):
        return struct.unpack("<Q", self.read(address, 8))[0]

    def write64(self, address, value):
        self.write(address, struct.pack("<Q", value))

    def config_read(self, bdf, register):
        self.command(f"outl 0xcf8 {0x80000000 | bdf << 8 | register:#x}")
        return int(self.command("inl 0xcfc")[0], 16)

    def config_write(self, bdf, register, value):
        self.command(f"outl 0xcf8 {0x80000000 | bdf << 8 | register:#x}")
        self.command(f"outl 0xcfc {value & 0xffffffff:#x}")
