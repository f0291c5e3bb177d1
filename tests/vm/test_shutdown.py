#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""test_shutdown.py BUILD KERNEL [OPTION...]: what a restart leaves of the device. The guest, a machine by options of
tests/vm/run, restarts with jobs under way, QEMU stops in place of resetting, and the device's control register tells whether it
would still work for a kernel that is gone; prints KTAP.
"""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

VM = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(VM))

import registers
import session


class Restart(session.Session):
    """A session that ends when the guest asks for its restart, and looks at the device then."""

    found = None
    why = None  # it stopped; that QEMU is then asked to quit is told as a reason, too

    def take_event(self, name):
        if name == "STOP":
            self.why = self.shutdown
            self.found = registers.read(self.qmp, "XQ_REG_CTRL")
            self.qmp.execute("quit")


def restart(build, kernel, machine, how):
    loader = SourceFileLoader("vm_run", str(VM / "run"))
    runner = module_from_spec(spec_from_loader("vm_run", loader))
    loader.exec_module(runner)
    body = f"""
	while :; do xq bench gemm --device /dev/xqaccel0 --m 64 --n 512 --k 512 --a-type s8 --b-type s8 || break; done >/dev/null &
	sleep 2
	kill -0 $! || poweroff -f
	{how}
	sleep 600
"""
    options = runner.parse_arguments(["--build", build, "--kernel", kernel, "--timeout", "120", "--qemu-args=-no-shutdown",
                                      *machine, "--command", body])
    guest = Restart(options, runner.job_text(options, "command", body))
    guest.run()
    return guest


def main():
    print("TAP version 14")
    print("1..1")
    guest = restart(*sys.argv[1:3], sys.argv[3:], "reboot -f")
    # The kernel takes the bus from the device by itself where it was asked to restart, but not where another follows by kexec.
    # A board's bus can't.
    stopped = guest.why == "guest-reset" and guest.found is not None and not guest.found & registers.named("XQ_CTRL_ENABLE")
    if not stopped:
        print(f"# control register: {guest.found}", *(f"# {line}" for line in guest.problems + guest.console[-20:]), sep="\n")
    print(f"{'ok' if stopped else 'not ok'} 1 a restart stops the device")
    return 0 if stopped else 1


if __name__ == "__main__":
    sys.exit(main())
