#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""xq convert on a whole network: ResNet8, 1000 images of CIFAR-10, 8 and 4 bits, and a budget.

usage: test_xq_resnet8.py XQ. Prints KTAP. Needs XQ_VECTORS, whose network is given as a table and .npy files.
"""
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from graph_file import Graph  # noqa: E402
from xq_case import Tests as Base, load, main, save  # noqa: E402

VECTORS = os.path.abspath(os.environ.get("XQ_VECTORS", "../shared"))
NETWORK = os.path.join(VECTORS, "models/float/pretrainedResnet")
IMAGES = os.path.join(VECTORS, "datasets/cifar10")
LABELS = os.path.join(IMAGES, "test1000_labels.npy")


class Tests(Base):
    names = ("eight_bits", "four_bits", "a_budget", "the_frontier_by_its_files")

    def files(self, rows):
        """The network, images to calibrate with, and to test; why not, if they are not there."""
        if not os.path.isdir(NETWORK) or not os.path.isdir(IMAGES):
            return "there is no %s" % NETWORK
        Graph(NETWORK).write("float.onnx")
        for name, path, count in ("calib500_images.npy", "c.npy", rows), ("test1000_images.npy", "t.npy", 1000):
            _, shape, values = load(os.path.join(IMAGES, name))
            save(path, "<f4", (count,) + tuple(shape[1:]), [float(v) for v in values[:count * 3072]])
        return None

    def convert(self, *words):
        report = self.json("convert", "float.onnx", "-o", "q.onnx", "--calibrate", "c.npy", "--evaluate", "t.npy", "--labels", LABELS,
                           "--report", "--device", "soft", *words)
        print("# %s: float %d, quantized %d of %d, %d bytes" % (" ".join(words), report["float_top1"], report["top1"], report["rows"],
                                                               sum(l["bytes"] for l in report["layers"])))
        self.expect(report["float_top1"] == 881 and report["rows"] == 1000, "the float model: %s" % report["float_top1"])
        return report

    def eight_bits(self):
        skip = self.files(100)
        if skip:
            return skip
        report = self.convert("--weights", "s8")
        self.expect(report["top1"] >= report["float_top1"] - 5, "top-1 %d" % report["top1"])
        return None

    def four_bits(self):
        skip = self.files(500)
        if skip:
            return skip
        report = self.convert("--weights", "s4")
        self.expect(report["top1"] >= 870, "top-1 %d" % report["top1"])
        self.expect(all(l["weights_type"] == "s4" for l in report["layers"]), "%s" % report["layers"])
        return None

    def a_budget(self):
        """As small as four bits everywhere and a little more, and of the points that were measured none of one type is better."""
        skip = self.files(40)
        if skip:
            return skip
        report = self.convert("--budget-bytes", "46000")
        points = report["points"]
        for u in (p for p in points if p["uniform"]):
            self.expect(any(p["frontier"] and p["bytes"] <= u["bytes"] and p["output_snr_db"] >= u["output_snr_db"] for p in points),
                        "nothing on the frontier is as good as %s" % u)
        self.expect(sum(l["bytes"] for l in report["layers"]) <= 46000, "bytes of %s" % report["layers"])
        four = next(p for p in points if p["uniform"] and p["weights_types"][0] == "s4")
        chosen = next(p for p in points if p["chosen"])
        self.expect(chosen["output_snr_db"] > four["output_snr_db"], "%s is no better than %s" % (chosen, four))
        self.expect(report["top1"] >= 860, "top-1 %d" % report["top1"])

    def snr(self, path, reference):
        """Of what a file makes of the 1000 images, in dB; nothing of the search takes part."""
        self.run("run", path, "--input", "t.npy", "-o", "y.npy", "--device", "soft")
        noise = sum((a - b) ** 2 for a, b in zip(reference, load("y.npy")[2]))
        return 10 * math.log10(sum(a * a for a in reference) / noise)

    def the_frontier_by_its_files(self):
        """With the bytes of one type for all, a search makes a file that is no larger, and as good on images that it has not seen."""
        skip = self.files(40)
        if skip:
            return skip
        self.run("run", "float.onnx", "--input", "t.npy", "-o", "y.npy", "--device", "soft")
        reference, mixed = load("y.npy")[2], 0
        for kind in "s4", "t2":
            one = self.convert("--weights", kind)
            before, size = self.snr("q.onnx", reference), sum(l["bytes"] for l in one["layers"])
            found = self.convert("--budget-bytes", str(size))
            after, bytes_ = self.snr("q.onnx", reference), sum(l["bytes"] for l in found["layers"])
            print("# %s: %d bytes, %.2f dB, %d right; within them: %d bytes, %.2f dB, %d right" % (
                kind, size, before, one["top1"], bytes_, after, found["top1"]))
            self.expect(bytes_ <= size and after > before - 0.05 and found["top1"] >= one["top1"] - 5, "%s is better by itself" % kind)
            mixed += len({l["weights_type"] for l in found["layers"]}) > 1 and after > before + 1
        self.expect(mixed, "no search found more than one type for all has")
        return None


if __name__ == "__main__":
    sys.exit(main(Tests, sys.argv[1:]))
