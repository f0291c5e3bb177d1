#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""disk.py FILE MiB: a disk whose sectors of 512 bytes begin with their numbers, 64 bits, little-endian."""

import struct
import sys
from pathlib import Path

SECTOR = 512


def main():
    path, mebibytes = Path(sys.argv[1]), int(sys.argv[2])
    sectors = (mebibytes << 20) // SECTOR
    path.write_bytes(b"".join(struct.pack("<Q", n) + bytes(SECTOR - 8) for n in range(sectors)))


if __name__ == "__main__":
    main()
