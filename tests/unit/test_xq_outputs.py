#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Where xq's results go: links, modes, long names, standard output, full disks, signals, and that nothing is left behind.

usage: test_xq_outputs.py XQ.... Prints KTAP.
"""
import os
import pty
import resource
import signal
import stat
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import xq_case  # noqa: E402
from xq_case import load, save  # noqa: E402

os.environ["XQACCEL_DEVICE"] = "soft"
PRODUCT = ["gemm", "a.npy", "b.npy", "-o"]


class Outputs(xq_case.Tests):
    names = ("links", "modes", "long_names", "checked_before_the_work", "one_name_twice", "standard_output", "standard_input", "full_outputs",
             "file_size_limit", "signals_leave_nothing", "ignored_signals", "interrupt_is_fast", "progress")

    def operands(self):
        save("a.npy", "|i1", (2, 3), range(6))
        save("b.npy", "|i1", (3, 2), range(6))

    def left(self, *names):
        """Nothing but these and the operands is in the folder."""
        found = sorted(set(os.listdir(".")) - {"a.npy", "b.npy"})
        self.expect(found == sorted(names), "there is %s, not %s" % (found, sorted(names)))

    def is_product(self, path):
        self.expect(load(path) == ("<i4", (2, 2), (10, 13, 28, 40)), "%s: %r" % (path, load(path)))

    def links(self):
        self.operands()
        os.makedirs("far/off")
        os.symlink("far/off/c.npy", "one")
        os.symlink("../../one", "far/off/two")  # a link to a link to what is not there yet
        for name in "one", "far/off/two":
            self.run(*PRODUCT, name)
            self.is_product("far/off/c.npy")
            self.expect(os.path.islink("one") and os.path.islink("far/off/two"), "a link is replaced")
        self.expect(sorted(os.listdir("far/off")) == ["c.npy", "two"], repr(os.listdir("far/off")))
        os.symlink("loop", "loop")
        self.refused(1, "cannot write loop: Too many levels of symbolic links", *PRODUCT, "loop")
        self.left("far", "one", "loop")

    def modes(self):
        self.operands()
        for mask, want in [(0o022, 0o644), (0o077, 0o600)]:
            old = os.umask(mask)
            self.run(*PRODUCT, "new%o" % mask)
            os.umask(old)
            self.expect(stat.S_IMODE(os.stat("new%o" % mask).st_mode) == want, "mode of a new file with umask %o" % mask)
        save("c.npy", "|i1", (1,), [0])
        os.chmod("c.npy", 0o640)
        if os.getuid() == 0:
            os.chown("c.npy", 12, 34)
        before = os.stat("c.npy")
        self.run(*PRODUCT, "c.npy")
        after = os.stat("c.npy")
        self.is_product("c.npy")
        for what in "st_mode", "st_uid", "st_gid":
            self.expect(getattr(before, what) == getattr(after, what), "%s is not kept" % what)

    def long_names(self):
        self.operands()
        name = "c" * os.pathconf(".", "PC_NAME_MAX")
        for _ in range(2):
            self.run(*PRODUCT, name)
            self.is_product(name)
        self.left(name)
        self.refused(1, "cannot write %s: File name too long" % (name + "c"), *PRODUCT, name + "c")

    def checked_before_the_work(self):
        """An operand that is a pipe nobody writes to would hang."""
        self.operands()
        os.mkfifo("pipe")
        os.mkdir("folder")
        for target, why in [("none/c.npy", "No such file or directory"), ("folder", "Is a directory"), ("a.npy/c.npy", "Not a directory"),
                            ("folder/", "Is a directory"), ("", "No such file or directory")]:
            for command in (["gemm", "pipe", "b.npy"], ["conv", "pipe", "b.npy"], ["quantize", "pipe", "--type", "s8", "--scale", "1"],
                            ["dequantize", "pipe", "--scale", "1"]):
                p = subprocess.run([self.xq, *command, "-o", target], capture_output=True, text=True, check=False)
                self.expect(p.returncode == 1 and why in p.stderr, "%s -o %s: %d %s" % (command[0], target, p.returncode, p.stderr))
        for rc, words in [(1, ["--type", "s8", "--scheme", "affine", "--codebook-out", "t.npy"]), (1, ["--scheme", "mx4", "--zp-out", "z.npy"]),
                          (1, ["--scheme", "twn", "--type", "s4"]), (1, ["--type", "b1", "--scheme", "affine"]), (2, ["--scheme", "affine"]),
                          (2, ["--scheme", "mx4", "--granularity", "channel:0"]), (1, ["--type", "s8", "--scheme", "affine", "--scale-out", "no/s.npy"])]:
            p = subprocess.run([self.xq, "quantize", "pipe", "-o", "q.npy", *words], capture_output=True, text=True, check=False)
            self.expect(p.returncode == rc and p.stderr.count("\n") == 1, "%s: %d %s" % (words, p.returncode, p.stderr))
        self.left("pipe", "folder")

    def one_name_twice(self):
        self.operands()
        save("x.npy", "<f4", (2, 2), [1, 2, 3, 4])
        os.symlink("q.npy", "link.npy")
        os.mkdir("folder")
        scheme = ["quantize", "x.npy", "--type", "s8", "--scheme", "affine"]
        for first, second in [("q.npy", "q.npy"), ("q.npy", "./q.npy"), ("folder/../q.npy", "q.npy"), ("link.npy", "q.npy"), ("-", "-"),
                              ("-", "/dev/stdout"), ("x.npy", "./x.npy")]:
            self.refused(1, "two outputs are the same file (%s, %s)" % (first, second), *scheme, "-o", first, "--scale-out", second)
        self.run(*scheme, "-o", "q.npy", "--scale-out", "/dev/null", "--zp-out", "/dev/null")
        self.run("quantize", "x.npy", "--type", "s8", "--scale", "1", "-o", "x.npy")
        self.expect(load("x.npy") == ("|i1", (2, 2), (1, 2, 3, 4)), "the input's own name as output")

    def standard_output(self):
        self.operands()
        self.run(*PRODUCT, "c.npy")
        with open("c.npy", "rb") as f:
            want = f.read()
        for name in "-", "/dev/stdout", "/proc/self/fd/1", "/dev/fd/1":
            self.expect(self.run(*PRODUCT, name, text=False).stdout == want, "%s to a pipe" % name)
            with open("out", "wb") as f:
                f.write(b"before")
                f.flush()
                subprocess.run([self.xq, *PRODUCT, name], stdout=f, check=True)
            with open("out", "rb") as f:
                self.expect(f.read() == b"before" + want, "%s to a file that is open" % name)
        save("x.npy", "<f4", (2, 2), [1, 2, 3, 4])
        for name in "-", "/dev/stdout":
            p = self.run("quantize", "x.npy", "--type", "s8", "--scheme", "affine", "-o", name, "--report", "--json", text=False)
            self.expect(p.stdout.startswith(b"\x93NUMPY") and b"mean_abs" in p.stderr and b"mean_abs" not in p.stdout, "%s: %r" % (name, p.stderr))
        p = self.run("quantize", "x.npy", "--type", "s8", "--scheme", "affine", "-o", "q.npy", "--report")
        self.expect("mean absolute" in p.stdout and not p.stderr, "a report goes to standard output")

    def standard_input(self):
        self.operands()
        self.run(*PRODUCT, "c.npy")
        with open("a.npy", "rb") as f:
            p = subprocess.run([self.xq, "gemm", "-", "b.npy", "-o", "-"], stdin=f, capture_output=True, check=True)
        with open("c.npy", "rb") as f:
            self.expect(f.read() == p.stdout, "a file as standard input")
        one = subprocess.Popen(["cat", "a.npy"], stdout=subprocess.PIPE)
        p = subprocess.run([self.xq, "gemm", "-", "b.npy", "-o", "-"], stdin=one.stdout, capture_output=True, check=True)
        one.stdout.close()
        one.wait()
        with open("c.npy", "rb") as f:
            self.expect(f.read() == p.stdout, "a pipe as standard input")
        with open("a.npy", "rb") as f, open("behind", "wb") as g:
            g.write(bytes(4096) + f.read())
        with open("behind", "rb", buffering=0) as f:
            f.seek(4096)
            p = subprocess.run([self.xq, "gemm", "-", "b.npy", "-o", "-"], stdin=f, capture_output=True, check=True)
        with open("c.npy", "rb") as f:
            self.expect(f.read() == p.stdout, "standard input that does not begin at a file's start")
        with open("a.npy", "rb") as f:
            p = subprocess.run([self.xq, "gemm", "-", "-", "-o", "c.npy"], stdin=f, capture_output=True, text=True, check=False)
        self.expect(p.returncode == 1 and "read only once" in p.stderr, "twice: %d %s" % (p.returncode, p.stderr))

    def full_outputs(self):
        """Also what is printed: then the exit status says so."""
        self.operands()
        save("x.npy", "<f4", (2, 2), [1, 2, 3, 4])
        report = ["quantize", "x.npy", "--type", "s8", "--scheme", "affine", "--report"]
        for words in (["--help"], ["--version"], ["gemm", "--help"], ["help", "conv"], ["info"], ["info", "--json"], [*PRODUCT, "-"],
                      [*PRODUCT, "/dev/full"], [*report, "-o", "q.npy"], ["bench", "gemm", "--m", "3", "--n", "3", "--k", "3", "--repeat", "1"]):
            for closed in False, True:
                if closed and "/dev/full" in words:
                    continue
                with open("/dev/full", "w") as full:
                    p = subprocess.run([self.xq, *words], stdout=None if closed else full, stderr=subprocess.PIPE, text=True, check=False,
                                       preexec_fn=(lambda: os.close(1)) if closed else None)
                self.expect(p.returncode == 1 and p.stderr.count("\n") == 1 and "write" in p.stderr, "%s: %d %r" % (words, p.returncode, p.stderr))
        self.left("x.npy")

    def limited(self, words, size):
        return subprocess.run([self.xq, *words], capture_output=True, text=True, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))

    def file_size_limit(self):
        save("a.npy", "|i1", (900, 4), [1] * 3600)
        save("b.npy", "|i1", (4, 900), [1] * 3600)
        for target in "c.npy", "-":
            with open("out", "wb") as out:
                p = subprocess.run([self.xq, *PRODUCT, target], stdout=out, stderr=subprocess.PIPE, text=True, check=False,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000)))
            self.expect(p.returncode == 1 and "File too large" in p.stderr, "%s: %d %s" % (target, p.returncode, p.stderr))
        os.unlink("out")
        save("q.npy", "|i1", (1 << 20,), [1] * (1 << 20))
        p = self.limited(["dequantize", "q.npy", "--scale", "1", "-o", "x.npy"], 1 << 21)  # a result that is mapped
        self.expect(p.returncode == 1 and "File too large" in p.stderr, "mapped: %d %s" % (p.returncode, p.stderr))
        self.left("q.npy")

    def waiting(self, **options):
        """A command that has opened its output and waits for an operand."""
        p = subprocess.Popen([self.xq, "gemm", "pipe", "b.npy", "-o", "c.npy"], stderr=subprocess.PIPE, **options)
        feed = os.open("pipe", os.O_WRONLY)  # returns when xq has opened it too
        return p, feed

    def signals_leave_nothing(self):
        self.operands()
        os.mkfifo("pipe")
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1, signal.SIGXCPU, signal.SIGABRT,
                       signal.SIGPIPE):
            p, feed = self.waiting(preexec_fn=lambda: (resource.setrlimit(resource.RLIMIT_CORE, (0, 0)), signal.signal(signal.SIGPIPE, signal.SIG_DFL)))
            p.send_signal(number)
            p.wait()
            os.close(feed)
            p.stderr.close()
            # With a sanitizer an abort is its own.
            self.expect(p.returncode == -number, "%s: %d" % (number, p.returncode))
            self.left("pipe")

    def ignored_signals(self):
        self.operands()
        os.mkfifo("pipe")
        with open("a.npy", "rb") as f:
            operand = f.read()
        for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT:
            p, feed = self.waiting(preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
            p.send_signal(number)
            os.write(feed, operand)
            os.close(feed)
            p.stderr.close()
            self.expect(p.wait() == 0, "an ignored %s ends it: %d" % (number, p.returncode))
            self.is_product("c.npy")
            os.unlink("c.npy")

    def interrupt_is_fast(self):
        """Measured in processor time that it still takes, and against a limit that only a hang exceeds."""
        with open("x.npy", "wb") as f:
            header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % (64 << 20)
            header += " " * (63 - (len(header) + 10) % 64) + "\n"
            f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
            f.truncate(len(header) + 10 + (256 << 20))
        save("a.npy", "|i1", (2048, 2048), [1] * (1 << 22))
        for words in (["quantize", "x.npy", "--type", "s8", "--scheme", "symmetric", "--calibrate", "mse", "-o", "c.npy"],
                      ["gemm", "a.npy", "a.npy", "-o", "c.npy"], ["quantize", "-", "--type", "s8", "--scale", "1", "-o", "c.npy"]):
            # On the portable kernels the product takes seconds on any machine.
            p = subprocess.Popen([self.xq, *words], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 env={**os.environ, "XQ_ISA": "scalar", "XQ_THREADS": "1"})
            time.sleep(.3)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            used = sum(int(v) for v in open("/proc/%d/stat" % p.pid).read().rsplit(")", 1)[1].split()[11:13]) / os.sysconf("SC_CLK_TCK")
            p.send_signal(signal.SIGINT)
            start = time.monotonic()
            p.wait()
            took = time.monotonic() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            more = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime - used
            p.stdin.close()
            self.expect(p.returncode == -signal.SIGINT and (took < .2 or more < .2), "%s: %d, after %.3f s, %.3f of them work" % (words, p.returncode, took, more))
            self.expect(sorted(os.listdir(".")) == ["a.npy", "x.npy"], repr(os.listdir(".")))

    def on_terminal(self, words, feed):
        """What a terminal as standard error shows while an operand comes slowly."""
        ours, theirs = pty.openpty()
        p = subprocess.Popen([self.xq, *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=theirs)
        os.close(theirs)
        feed(p)
        p.stdin.close()
        shown = b""
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:
                break
        os.close(ours)
        self.expect(p.wait() == 0, "%s: %r" % (words, shown[-300:]))
        return shown.decode()

    def progress(self):
        """A share for each part of the work, once a second has gone by."""
        count = 1 << 16
        header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d,), }" % count
        header += " " * (63 - (len(header) + 10) % 64) + "\n"
        file = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(4 * count)
        with open("half", "wb") as f:
            f.write(file)

        def feed(p):
            p.stdin.write(file[:len(file) // 2])
            p.stdin.flush()
            time.sleep(1.5)
            p.stdin.write(file[len(file) // 2:])
            p.stdin.flush()
        shown = self.on_terminal(["quantize", "-", "--type", "s8", "--scale", "1", "-o", "q.npy"], feed)
        self.expect("reading" in shown, "reading: %r" % shown)


if __name__ == "__main__":
    xq_case.main(Outputs, sys.argv[1:])
