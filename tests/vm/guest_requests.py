# SPDX-License-Identifier: GPL-2.0
"""What a test in the guest may ask of the host: one line to /dev/host/control, one line back,
"ok [VALUE]" or "error REASON".

    qom-set PROPERTY VALUE [DEVICE]     sets a property of the accelerator (VALUE: JSON, or a plain word)
    qom-set-asleep PROPERTY VALUE       as qom-set, but answered at once and done in the guest's next suspend, which has to
                                        last some seconds; its device has to be on the platform bus
    release                             forgets a qom-set-asleep that was not done yet, and takes back reset-asserted: a test
                                        that fails leaves nothing to those after it
    qom-get PROPERTY [DEVICE]           answers with JSON
    device_del [DEVICE]                 unplugs as a user would (the guest is asked first)
    device_add [DEVICE [PROPERTIES]]    plugs it in again
    stop MILLISECONDS                   halts the whole machine for a while
    unloaded MILLISECONDS               how many of the last so many milliseconds a machine with nothing else to do
                                        would have needed: limits that pass by this clock do not depend on the load
    product M N K RUNS                  computes a product by the kernels alone, outside of the machine: the least milliseconds
    migrate                             moves the running machine to a new QEMU process (VM option --migratable)
    qmp JSON                            any other command
DEVICE is the accelerator's index, 0 without it.
"""

import json
import math
import subprocess
import time
from pathlib import Path

import registers
from qmp import QmpError

# Resets disable the device, too, for a moment. A suspend leaves it so.
ASLEEP = 0.5


def value_of(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


class GuestRequests:
    def __init__(self, session):
        self.session = session
        self.for_sleep = None  # (property, value) of qom-set-asleep
        self.disabled_since = math.inf

    def answer(self, line):
        """Returns the line to send back."""
        word, _, rest = line.strip().partition(" ")
        handler = getattr(self, "do_" + word.replace("-", "_"), None)
        if not handler:
            return f"error unknown request {word}"
        try:
            result = handler(*(rest.split() if word != "qmp" else [rest]))
        except QmpError as error:
            return "error " + str(error).replace("\n", " ")
        except (TypeError, ValueError, IndexError, OSError, subprocess.SubprocessError) as error:
            return f"error {word}: {error}"
        return "ok" if result is None or result == {} else "ok " + json.dumps(result)

    @property
    def qmp(self):
        return self.session.qmp

    def do_qom_set(self, name, value, device="0"):
        return self.qmp.execute("qom-set", path=f"/machine/peripheral/xq{int(device)}", property=name,
                                value=value_of(value))

    def do_qom_set_asleep(self, name, value):
        if self.session.options.bus != "platform":
            raise ValueError("the registers of a function on PCI do not answer in a suspend")
        self.for_sleep, self.disabled_since = (name, value), math.inf

    def do_release(self):
        self.for_sleep = None
        # Only then: a line that the guest holds at this moment is the guest's.
        if self.session.options.bus == "platform" and self.do_qom_get("reset-asserted"):
            self.do_qom_set("reset-asserted", "false")

    def look_at_sleep(self):
        """Does what was asked for if the guest is suspended; returns in how many seconds it has to be called again, or None."""
        if not self.for_sleep:
            return None
        now = time.monotonic()
        self.disabled_since = min(self.disabled_since, now) if self.is_disabled() else math.inf
        if now - self.disabled_since >= ASLEEP:
            asked, self.for_sleep = self.for_sleep, None
            try:
                self.do_qom_set(*asked)
            except QmpError as error:
                self.session.problems.append(f"qom-set-asleep {asked[0]}: {error}")
        return ASLEEP / 2

    def is_disabled(self):
        """Whether the device is; not where nobody can tell, as while its registers are moved."""
        try:
            return registers.read(self.qmp, "XQ_REG_CTRL") == 0
        except (LookupError, ValueError, QmpError):
            return False

    def do_qom_get(self, name, device="0"):
        return self.qmp.execute("qom-get", path=f"/machine/peripheral/xq{int(device)}", property=name)

    def do_device_del(self, device="0"):
        return self.qmp.execute("device_del", id=f"xq{int(device)}")

    def do_device_add(self, device="0", properties=""):
        if self.session.options.bus != "pci":
            raise ValueError("the accelerator's bus has no slots")
        arguments = {"driver": "xqaccel", "id": f"xq{int(device)}", "bus": f"rp{int(device)}"}
        for item in filter(None, properties.split(",")):
            name, _, value = item.partition("=")
            arguments[name] = value
        return self.qmp.execute("device_add", **arguments)

    def do_stop(self, milliseconds):
        self.qmp.execute("stop")
        time.sleep(int(milliseconds) / 1000)
        return self.qmp.execute("cont")

    def do_unloaded(self, milliseconds):
        seconds = self.session.clock.of_last(int(milliseconds) / 1000)
        return int(1000 * seconds / self.session.options.time_factor)

    def do_product(self, *arguments):
        program = Path(self.session.options.build) / "obj/bin/bench-product"
        return float(subprocess.run([program, *arguments], stdout=subprocess.PIPE, check=True, timeout=120).stdout)

    def do_migrate(self):
        return self.session.migrate()

    def do_qmp(self, text):
        return self.qmp.request(json.loads(text))
