#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Completion of xq in bash: its candidates for lines broken as readline breaks them, the same against --help of every
command, and a few lines typed into an interactive bash.

usage: test_xq_completion.py XQ COMPLETION. Prints KTAP.
"""
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vm"))
import unloaded_clock  # noqa: E402

CLOCK = unloaded_clock.shared()
XQ, SCRIPT = (os.path.abspath(path) for path in sys.argv[1:3])
BREAKS = " \t\n\"'><=;|&(:"
PROGRAM = """
. "$1"; shift
COMP_WORDBREAKS=$1; shift
COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_xq "$1"
((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
"""


def split(line, breaks):
    """As readline: runs of = and : are words of their own where they break words."""
    words = [XQ]
    for word in line.split(" "):
        marks = re.escape("".join(c for c in "=:" if c in breaks))
        words += [part for part in re.split("([%s]+)" % marks, word) if part] if marks and word else [word]
        if marks and word and word[-1] in "=:":
            pass  # the = is the word that bash completes
    return words


def candidates(line, breaks=BREAKS):
    p = subprocess.run(["bash", "-c", PROGRAM, "bash", SCRIPT, breaks, *split(line, breaks)], capture_output=True, text=True, check=False)
    return sorted(p.stdout.split()), p.stderr


def xq(*words):
    return subprocess.run([XQ, *words], capture_output=True, text=True, check=True).stdout


def commands():
    return xq("--list-commands").splitlines()


def expect(line, want, **options):
    got, errors = candidates(line, **options)
    assert not errors, "%r: %s" % (line, errors)
    if want is not None:
        assert got == sorted(want), "xq %s: %s" % (line, got)
    return got


# ---- tests ------------------------------------------------------------------------------------------


def of_commands():
    first = {name.split()[0] for name in commands()}
    expect("", first | {"help", "--version"})
    expect("quan", ["quantize"])
    expect("bench ", ["gemm", "conv"])
    expect("bench ge", ["gemm"])
    expect("help deq", ["dequantize"])
    expect("help bench ge", ["gemm"])
    expect("nonsense --", [])


def of_options():
    expect("quantize x.npy --sc", ["--scale=", "--scale-out=", "--scheme="])
    expect("bench gemm --js", ["--json"])
    expect("gemm a.npy b.npy --tr", ["--transpose-b"])


def of_values():
    for form in "%s %s", "%s=%s":
        expect("quantize " + form % ("--scheme", "k"), ["kmeans:"])
        expect("quantize " + form % ("--scheme", ""), ["symmetric", "affine", "binary", "bwn", "twn", "kmeans:", "vsquant", "mx4", "mx6", "mx9", "mxint8"])
        expect("quantize " + form % ("--calibrate", "p"), ["percentile:"])
        expect("quantize " + form % ("--granularity", ""), ["tensor", "channel:", "group:"])
        expect("quantize " + form % ("--round", "s"), ["stochastic:"])
        expect("gemm " + form % ("--a-type", ""), ["s8", "u8", "s4", "u4", "s2", "u2", "t2", "b1"])
        expect("conv " + form % ("--y-type", "s"), ["s8", "s4", "s16"])
        assert "soft" in expect("gemm " + form % ("--device", ""), None)
        expect("bench gemm " + form % ("--m", ""), [])
    expect("quantize --scheme kmeans:3", [])


def where_equals_does_not_break_words():
    breaks = BREAKS.replace("=", "").replace(":", "")
    expect("quantize --scheme=k", ["--scheme=kmeans:"], breaks=breaks)
    expect("quantize --scheme k", ["kmeans:"], breaks=breaks)


def of_files():
    for name in "a.npy", "b.txt", "c.npz", "d.safetensors":
        open(name, "w", encoding="utf-8").close()
    os.makedirs("folder", exist_ok=True)
    tensors = ["a.npy", "c.npz", "d.safetensors", "folder"]
    expect("gemm ", tensors)
    expect("gemm a", ["a.npy"])
    expect("gemm a.npy b.npy -o ", tensors)
    expect("quantize --scale ", tensors)
    expect("quantize --scale=fo", ["folder"])
    expect("bench gemm ", [])
    expect("conv x.npy w.npy --pads ", [])


def of_every_command():
    """What --help shows is what completes, options and values, in both forms."""
    for name in commands():
        text = xq(*name.split(), "--help")
        shown = dict(re.findall(r"^  (?:-\w, )?--([a-z0-9-]+)(?: (\S+))?", text, re.M))
        shown = {option: value if re.search(r"^  (?:-\w, )?--%s %s(?:$|\s)" % (option, re.escape(value)), text, re.M) and
                 not re.search(r"^  (?:-\w, )?--%s  " % option, text, re.M) else "" for option, value in shown.items()}
        expect(name + " --", ["--" + option + ("=" if value else "") for option, value in shown.items()])
        for option, value in shown.items():
            if "|" not in value:
                continue
            words = [re.sub(":[A-Z]+", ":", word) for word in value.split("|")]
            expect("%s --%s " % (name, option), words)
            expect("%s --%s=" % (name, option), words)


class Bash:
    """An interactive bash; control-g writes the line as it stands to a file."""

    def __init__(self, folder):
        self.lines = os.path.join(folder, "lines")
        os.mkfifo(self.lines)
        self.pid, self.terminal = pty.fork()
        if not self.pid:
            os.environ.update(PS1="$ ", PATH=os.path.dirname(XQ) + ":" + os.environ["PATH"], TERM="dumb", INPUTRC="/dev/null")
            os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
        self.out = os.open(self.lines, os.O_RDONLY | os.O_NONBLOCK)
        self.send('. "%s"; bind -x \'"\\C-g": printf "%%s\\\\n" "$READLINE_LINE" >"%s"\'\r' % (SCRIPT, self.lines))

    def send(self, text):
        os.write(self.terminal, text.encode())

    def completed(self, text):
        self.send(text + "\t\x07")
        got, deadline = "", CLOCK.seconds() + 60
        while "\n" not in got and CLOCK.seconds() < deadline:
            for fd in select.select([self.terminal, self.out], [], [], 1)[0]:
                try:
                    data = os.read(fd, 4096)
                except OSError:
                    data = b""
                if fd == self.out:
                    got += data.decode()
            time.sleep(.01)
        self.send("\x15")
        return got.rstrip("\n")

    def close(self):
        self.send("\x15exit\r")
        while True:
            try:
                if not os.read(self.terminal, 4096):
                    break
            except OSError:
                break
        os.waitpid(self.pid, 0)


def typed_into_bash():
    bash = Bash(os.getcwd())
    try:
        for line, want in [
                ("xq quan", "xq quantize "), ("xq quantize x.npy --type=u1", "xq quantize x.npy --type=u16 "),
                ("xq quantize x.npy --scheme kme", "xq quantize x.npy --scheme kmeans:"),
                ("xq quantize x.npy --calibrate=per", "xq quantize x.npy --calibrate=percentile:"),
                ("xq gemm --transp", "xq gemm --transpose-b "), ("xq conv --layo", "xq conv --layout="),
                ("xq bench ge", "xq bench gemm ")]:
            got = bash.completed(line)
            assert got == want, "%r became %r" % (line, got)
    finally:
        bash.close()


TESTS = [of_commands, of_options, of_values, where_equals_does_not_break_words, of_files, of_every_command, typed_into_bash]


def main():
    failed = 0
    print("KTAP version 1\n1..%d" % len(TESTS))
    for i, test in enumerate(TESTS):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            problem = None
            try:
                test()
            except AssertionError as error:
                problem = str(error)
            os.chdir("/")
        if problem:
            print("# " + problem.replace("\n", "\n# "))
        failed += bool(problem)
        print("%sok %d %s" % ("not " if problem else "", i + 1, test.__name__.replace("_", " ")), flush=True)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
