# SPDX-License-Identifier: GPL-2.0
"""numpy as np, for tests that need it: where the python3 of the PATH has none, the script starts again with the system's, for
which the set-up installs it (python3-numpy). Without it there the test fails; it is not skipped.
"""
import importlib.util
import os
import sys

SYSTEM = "/usr/bin/python3"

if not importlib.util.find_spec("numpy"):
    if os.path.exists(SYSTEM) and not os.path.samefile(sys.executable, SYSTEM):
        os.execv(SYSTEM, [SYSTEM, *sys.argv])
    print("KTAP version 1\n1..1\nnot ok 1 numpy\n# %s has no numpy; as root: apt-get install python3-numpy" % sys.executable)
    sys.exit(1)
import numpy as np  # noqa: E402,F401
