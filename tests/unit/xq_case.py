# SPDX-License-Identifier: GPL-2.0
"""What the tests of the xq command share: .npy files, runs of the command, KTAP. Needs nothing but Python."""
import json
import math
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import traceback

CODES = {"<f4": "f", "<f2": "e", "<f8": "d", "|i1": "b", "|u1": "B", "<i2": "h", "<u2": "H", "<i4": "i", "<u4": "I", "<i8": "q", "<u8": "Q"}


def save(path, dtype, shape, values):
    text = str({"descr": dtype, "fortran_order": False, "shape": tuple(shape)})
    text += " " * (63 - (len(text) + 10) % 64) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode())
        f.write(struct.pack("<%d%s" % (len(values), CODES[dtype]), *values))
    return path


def load(path):
    with open(path, "rb") as f:
        raw = f.read()
    length = struct.unpack("<H", raw[8:10])[0]
    header = eval(raw[10:10 + length].decode(), {"__builtins__": {}})  # written by xq
    code = CODES[header["descr"]]
    count = math.prod(header["shape"])
    return header["descr"], header["shape"], struct.unpack("<%d%s" % (count, code), raw[10 + length:])


class Tests:
    """The methods listed in `names` are tests; they note what is wrong by expect(), or return why they can't be run."""
    names = ()

    def __init__(self, xq):
        self.xq, self.problems = os.path.abspath(xq), []

    def expect(self, condition, what):
        if not condition:
            self.problems.append(what)

    def run(self, *words, rc=0, text=True):
        p = subprocess.run([self.xq, *words], capture_output=True, text=text, check=False)
        self.expect(p.returncode == rc, "xq %s: exit status %d, not %d: %s" % (" ".join(words), p.returncode, rc, p.stderr.strip()))
        return p

    def json(self, *words, rc=0):
        p = self.run(*words, "--json", rc=rc)
        self.expect(p.stdout.count("\n") == 1, "xq %s: not one line: %r" % (" ".join(words), p.stdout))
        return json.loads(p.stdout)

    def refused(self, rc, sentence, *words, name=None):
        """One line on standard error that says so, nothing on standard output."""
        p = self.run(*words, rc=rc)
        want = "xq: %s: %s" % (name or words[0], sentence)
        got = p.stderr.rstrip("\n")
        if rc == 2:
            got = got.removesuffix("; see xq %s --help" % (name or words[0]))
        self.expect(got == want and not p.stdout, "xq %s: %r, not %r" % (" ".join(words), p.stderr, want))

    def leaves_nothing(self, rc, *words):
        """Whatever is refused: one line on standard error, and no file."""
        p = self.run(*words, "-o", "none.npy", rc=rc)
        lines = p.stderr.splitlines()
        self.expect(len(lines) == 1 and lines[0].startswith("xq: %s: " % words[0]),
                    "xq %s: standard error is %r" % (" ".join(words), p.stderr))
        self.expect(not [f for f in os.listdir(".") if f.startswith("none.npy")], "a file is left behind: " + " ".join(words))


def main(kind, programs):
    # In the background or below nohup some are ignored; the commands start as they do at a prompt.
    for number in signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGPIPE:
        signal.signal(number, signal.SIG_DFL)
    todo = [(kind(xq), name, " (%s)" % xq if len(programs) > 1 else "") for xq in programs for name in kind.names]
    failed = 0
    print("KTAP version 1\n1..%d" % len(todo))
    for i, (tests, name, label) in enumerate(todo):
        random.seed(1)
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            skip = None
            try:
                skip = getattr(tests, name)()
            except Exception:  # a test that cannot go on has failed
                tests.problems.append(traceback.format_exc().replace("\n", "\n# "))
            os.chdir("/")
        for problem in tests.problems[:8]:
            print("# " + problem)
        failed += bool(tests.problems)
        print("%sok %d %s%s%s" % ("not " if tests.problems else "", i + 1, name.replace("_", " "), label,
                                  " # SKIP " + skip if skip and not tests.problems else ""), flush=True)
    sys.exit(failed != 0)
