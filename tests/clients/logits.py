#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""logits.py LLAMA MODEL TOKENS [FLOAT_MODEL]: greedy text and logits on the accelerator beside ggml's CPU backend.

Runs an unmodified llama-server (LLAMA is a folder of fetch-llama.sh) on each, with GGML_BACKEND_PATH and
XQACCEL_DEVICE as they are, and asks for the log-probabilities of the whole vocabulary at each token. Prints
how many tokens are equal from the first on, and over those, where both saw the same text, the NMSE of the
logits: less their mean, as a constant changes no probability. FLOAT_MODEL holds the same weights as floats:
then the CPU backend's results with them say what rounding the activations costs, on either. Fails if the NMSE
is above 1e-3, or the first token that differs was likelier by more than the error explains.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def answer_of(url, server, tokens):
    for turn in range(300):
        try:
            with urllib.request.urlopen(url + "/health", timeout=2):
                break
        except OSError:
            if server.poll() is not None or turn == 299:
                raise
            time.sleep(0.1)
    wanted = {"prompt": "An accelerator for quantized", "n_predict": tokens, "temperature": 0,
              "ignore_eos": True, "n_probs": 100000, "cache_prompt": False}
    call = urllib.request.Request(url + "/completion", json.dumps(wanted).encode(),
                                  {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=300) as answer:
        return json.load(answer)["completion_probabilities"]


def text(llama, model, tokens, device):
    """Tokens, and for each the logits it was chosen by."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            [llama + "/run", "llama-server", "-m", os.path.abspath(model), "-dev", device, "-t", "2",
             "-c", "1024", "-np", "1", "-fa", "on", "-fit", "off", "--port", str(port)],
            stdout=subprocess.DEVNULL, stderr=log, env=dict(os.environ, XQACCEL_GGML_STATS="1"))
        try:
            steps = answer_of(f"http://127.0.0.1:{port}", server, tokens)
        finally:
            server.terminate()
            server.wait()
        log.seek(0)
        # Without this the CPU would be compared with itself.
        if device != "none" and "xqaccel: XQACCEL: " not in log.read():
            sys.exit("logits.py: the accelerator computed nothing")
    return ([s["id"] for s in steps],
            [{p["id"]: p["logprob"] for p in s["top_logprobs"]} for s in steps])


def centered(row, ids):
    mean = sum(row[i] for i in ids) / len(ids)
    return [row[i] - mean for i in ids]


def compare(ours, theirs):
    """Tokens that are equal from the first on; NMSE and root mean square error of their logits."""
    equal = 0
    while equal < min(len(ours[0]), len(theirs[0])) and ours[0][equal] == theirs[0][equal]:
        equal += 1
    error = power = 0.0
    count = 0
    # The first token that differs was chosen after the same text, too.
    for got, wanted in list(zip(ours[1], theirs[1]))[:equal + 1]:
        # llama-server reports the lowest float for a probability of 0.
        ids = [i for i in wanted if i in got and min(got[i], wanted[i]) > -1e30]
        got, wanted = centered(got, ids), centered(wanted, ids)
        error += sum((a - b) ** 2 for a, b in zip(got, wanted))
        power += sum(b * b for b in wanted)
        count += len(ids)
    if not power:
        sys.exit("logits.py: no logits")
    return equal, error / power, (error / count) ** 0.5


def main():
    llama, model, tokens = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ours, theirs = (text(llama, model, tokens, device) for device in ("XQACCEL", "none"))
    equal, error, rms = compare(ours, theirs)
    line = f"{os.path.basename(model)}: {equal} of {len(theirs[0])} tokens equal, NMSE {error:.1e}"
    if len(sys.argv) > 4:
        exact = text(llama, sys.argv[4], tokens, "none")
        line += "; to float activations %.1e, the CPU's %.1e" % (compare(ours, exact)[1], compare(theirs, exact)[1])
    wrong = error > 1e-3
    if equal < len(theirs[0]):
        # Of two tokens as likely within the error either may be the likeliest.
        row = theirs[1][equal]
        gap = row[theirs[0][equal]] - row[ours[0][equal]]
        line += f"; then the CPU's two likeliest are {gap:.1e} apart, the root mean square error is {rms:.1e}"
        wrong = wrong or gap > 6 * rms
    print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
