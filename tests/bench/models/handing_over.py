#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a frame takes in all over what it takes on the device, for whole models on /dev/xqaccel0.

usage: handing_over.py XQ VECTORS [ROUNDS]. Needs nothing but Python. make bench-models-vm runs it.
"""
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../unit"))
from xq_case import save  # noqa: E402

TARGET = 1.3
ROWS = 20
MODELS = ("kws_ref_model", "pretrainedResnet_quant", "person_detect", "mobilenet_v1_0.25_128_quant")


def xq(program, *words):
    p = subprocess.run([program, *words, "--json"], capture_output=True, text=True, check=False)
    if p.returncode:
        sys.exit("handing_over.py: %s" % p.stderr.strip())
    return json.loads(p.stdout)


def shape_of(program, model):
    found = xq(program, "show", model)["inputs"][0]
    return [d if d > 0 else 1 for d in found["shape"]], "|u1" if found["type"] == "u8" else "|i1"


def main(program, vectors, rounds=5):
    print("%-30s %10s %10s %10s %7s %8s" % ("a frame, us", "in all", "device", "CPU", "ratio",
                                             "changes"))
    program, vectors = os.path.abspath(program), os.path.abspath(vectors)
    for name in MODELS:
        model = os.path.join(vectors, "models/tflite", name + ".tflite")
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # the guest sees it
            shape, kind = shape_of(program, model)
            rng, low = random.Random(1), -128 if kind == "|i1" else 0
            path = save(os.path.join(folder, "x.npy"), kind, [ROWS * shape[0], *shape[1:]],
                        [rng.randrange(low, low + 256) for _ in range(ROWS * math.prod(shape))])
            runs = [xq(program, "run", model, "--input", path, "--profile") for _ in range(rounds)]
            os.chdir("/")
        middle = statistics.median(r["us"] / r["us_device"] for r in runs)
        median = min(runs, key=lambda r: abs(r["us"] / r["us_device"] - middle))
        ratio = median["us"] / median["us_device"]
        print("%-30s %10.1f %10.1f %10.1f %7.2f %8d  %s" % (
            name, median["us"], median["us_device"], median["us_cpu"], ratio, median["changes"],
            "(met)" if ratio <= TARGET else "(missed)"), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *(int(a) for a in sys.argv[3:]))
