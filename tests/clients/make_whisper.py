#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""make_whisper.py FILE: a model file of whisper.cpp, of the size "tiny", with random weights."""
import struct
import sys

import numpy as np

VOCABULARY, TEXT_TOKENS, AUDIO_CONTEXT, TEXT_CONTEXT, MELS, BINS = 51864, 50257, 1500, 448, 80, 201
STATE, HEADS, LAYERS = 384, 6, 4
random = np.random.default_rng(1)


def numbers(out, *values):
    out.write(struct.pack(f"<{len(values)}i", *values))


def tensor(out, name, shape, half=True, mean=0):
    numbers(out, len(shape), len(name), int(half), *reversed(shape))
    out.write(name.encode())
    out.write((random.normal(mean, 0.02, shape)).astype("<f2" if half else "<f4").tobytes())


def norm(out, name):
    tensor(out, name + ".weight", (STATE,), False, 1)
    tensor(out, name + ".bias", (STATE,), False)


def linear(out, name, rows, columns, bias=True):
    tensor(out, name + ".weight", (rows, columns))
    if bias:
        tensor(out, name + ".bias", (rows,), False)


def block(out, name, attentions):
    for attention in attentions:
        norm(out, f"{name}.{attention}_ln")
        for part in ("query", "key", "value", "out"):
            linear(out, f"{name}.{attention}.{part}", STATE, STATE, part != "key")
    norm(out, name + ".mlp_ln")
    linear(out, name + ".mlp.0", 4 * STATE, STATE)
    linear(out, name + ".mlp.2", STATE, 4 * STATE)


def main():
    with open(sys.argv[1], "wb") as out:
        numbers(out, 0x67676d6c, VOCABULARY, AUDIO_CONTEXT, STATE, HEADS, LAYERS, TEXT_CONTEXT, STATE, HEADS, LAYERS,
                MELS, 1, MELS, BINS)
        out.write(np.abs(random.normal(0, 0.01, (MELS, BINS))).astype("<f4").tobytes())
        numbers(out, TEXT_TOKENS)
        for token in range(TEXT_TOKENS):
            word = b"%d" % token
            numbers(out, len(word))
            out.write(word)
        tensor(out, "encoder.positional_embedding", (AUDIO_CONTEXT, STATE), False)
        for name, channels in ("conv1", MELS), ("conv2", STATE):
            tensor(out, f"encoder.{name}.weight", (STATE, channels, 3))
            tensor(out, f"encoder.{name}.bias", (STATE, 1), False)
        norm(out, "encoder.ln_post")
        tensor(out, "decoder.positional_embedding", (TEXT_CONTEXT, STATE), False)
        tensor(out, "decoder.token_embedding.weight", (VOCABULARY, STATE))
        norm(out, "decoder.ln")
        for layer in range(LAYERS):
            block(out, f"encoder.blocks.{layer}", ["attn"])
            block(out, f"decoder.blocks.{layer}", ["attn", "cross_attn"])


if __name__ == "__main__":
    main()
