# SPDX-License-Identifier: GPL-2.0
"""QEMU's control protocol over a connected socket."""

import json
import select


class QmpError(Exception):
    """QEMU refused a command; the text is its reason."""


class Qmp:
    def __init__(self, socket, timeout=300, others=(), take=None):
        """take(socket) is called when one of others has something to read while an answer is awaited: QEMU holds its
        lock while it writes to a full serial line, and would not answer before somebody has read that."""
        self.socket = socket
        self.others = list(others)
        self.take = take
        self.timeout = timeout
        self.events = []
        self.buffer = b""
        socket.settimeout(timeout)
        self.read()
        self.execute("qmp_capabilities")

    def read(self):
        """One message, waiting for it."""
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.socket, *self.others], [], [], self.timeout)
            if not ready:
                raise TimeoutError("QEMU does not answer")
            if self.socket not in ready:
                for other in ready:
                    self.take(other)
                continue
            data = self.socket.recv(65536)
            if not data:
                raise EOFError("QEMU closed its control socket")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def execute(self, command, **arguments):
        return self.request({"execute": command, "arguments": arguments})

    def request(self, message):
        self.socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = self.read()
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QmpError(answer["error"]["desc"])
            self.events.append(answer)

    def wait_event(self, name):
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            self.events.append(self.read())

    def take_events(self):
        """Events that have arrived, without waiting."""
        while b"\n" in self.buffer or select.select([self.socket], [], [], 0)[0]:
            self.events.append(self.read())
        events, self.events = self.events, []
        return events
