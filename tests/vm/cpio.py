# SPDX-License-Identifier: GPL-2.0
"""Writes the small cpio archive that adds a VM's own files to the image: the kernel joins archives that follow each other."""


def entry(name, data, mode):
    fields = [1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    header = b"070701" + b"".join(b"%08X" % value for value in fields)
    return pad(header + name.encode() + b"\0") + pad(data)


def pad(data):
    return data + b"\0" * (-len(data) % 4)


def archive(files):
    """files: {path without leading slash: bytes}."""
    body = b"".join(entry(name, data, 0o100644) for name, data in files.items())
    return body + entry("TRAILER!!!", b"", 0)
