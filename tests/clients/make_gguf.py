#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a model of llama's architecture, the same one each time, as a GGUF file.

    make_gguf.py [--layers 8] [--width 1024] [--inner 2816] [--heads 16] [--seed 1] [--text FILE] OUT

Its tokens are the 256 bytes. Weights are random, so what it says is noise, and small differences change it. With a text
the way from a token to the next has the text's frequencies of pairs of bytes, to which the layers add noise of a fifth of its
size: what it says looks a little like the text, and a rounding does not change it. Then the width is at least 256. The
defaults have 103 million weights of products, in f16.
"""

import argparse
import struct
from pathlib import Path

import numpy as np

ALIGNMENT = 32
F32, F16 = 0, 1
TOKENS = 256
CONTEXT = 2048


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def byte_names():
    """A printable character for each byte, as GPT-2's vocabulary has them: its own, or one from 256 on."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (byte for byte in range(256) if byte not in own)
    names = {byte: chr(byte) for byte in own}
    names.update((byte, chr(256 + i)) for i, byte in enumerate(others))
    return [names[byte] for byte in range(256)]


def entry(key, kind, value):
    """A key and its value: u32, f32, a string, or an array of strings or i32."""
    codes = {"u32": (4, lambda v: struct.pack("<I", v)), "f32": (6, lambda v: struct.pack("<f", v)),
             "string": (8, text)}
    if kind in codes:
        code, pack = codes[kind]
        return text(key) + struct.pack("<I", code) + pack(value)
    code = {"strings": 8, "i32s": 5}[kind]
    items = b"".join(text(v) if kind == "strings" else struct.pack("<i", v) for v in value)
    return text(key) + struct.pack("<IIQ", 9, code, len(value)) + items


def metadata(options):
    head = options.width // options.heads
    return [
        entry("general.architecture", "string", "llama"),
        entry("general.name", "string", "random bytes"),
        entry("llama.context_length", "u32", CONTEXT),
        entry("llama.embedding_length", "u32", options.width),
        entry("llama.block_count", "u32", options.layers),
        entry("llama.feed_forward_length", "u32", options.inner),
        entry("llama.attention.head_count", "u32", options.heads),
        entry("llama.attention.layer_norm_rms_epsilon", "f32", 1e-5),
        entry("llama.rope.dimension_count", "u32", head),
        entry("llama.vocab_size", "u32", TOKENS),
        entry("tokenizer.ggml.model", "string", "gpt2"),
        entry("tokenizer.ggml.pre", "string", "gpt-2"),
        entry("tokenizer.ggml.tokens", "strings", byte_names()),
        entry("tokenizer.ggml.token_type", "i32s", [1] * TOKENS),
        entry("tokenizer.ggml.merges", "strings", []),
        entry("tokenizer.ggml.bos_token_id", "u32", 0),
        entry("tokenizer.ggml.eos_token_id", "u32", 0),
    ]


def shapes(options):
    """Names, and rows and columns; a norm has one row of ones."""
    width, inner = options.width, options.inner
    yield "token_embd.weight", (TOKENS, width)
    for layer in range(options.layers):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", (1, width)
        for name in "attn_q", "attn_k", "attn_v", "attn_output":
            yield f"{block}{name}.weight", (width, width)
        yield block + "ffn_norm.weight", (1, width)
        yield block + "ffn_gate.weight", (inner, width)
        yield block + "ffn_up.weight", (inner, width)
        yield block + "ffn_down.weight", (width, inner)
    yield "output_norm.weight", (1, width)
    yield "output.weight", (TOKENS, width)


def random_tensor(generator, shape):
    return generator.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[1]))


def pairs(path, generator):
    """[next][token]: logarithms of frequencies, 0 in the mean of each token; all blanks are one space.

    Pairs that are as frequent get different weights, so that no rounding has to decide between them.
    """
    data = np.frombuffer(b" ".join(Path(path).read_bytes().split()), np.uint8)
    counts = np.full((TOKENS, TOKENS), 0.05)
    np.add.at(counts, (data[1:], data[:-1]), 1)
    logs = np.log(counts / counts.sum(axis=0)) + generator.random(counts.shape)
    return logs - logs.mean(axis=0)


def tensors(options):
    """Of each name, in the order of shapes()."""
    generator = np.random.Generator(np.random.PCG64(options.seed))
    weak = 0.2 / np.sqrt(2 * options.layers) if options.text else 1
    embedding = None
    for name, shape in shapes(options):
        if shape[0] == 1:
            yield np.ones(shape[1], np.float32)
            continue
        values = random_tensor(generator, shape)
        if options.text and name == "token_embd.weight":
            # Rows at right angles, of length sqrt(width), so that each token is seen as it is.
            embedding = np.linalg.qr(values.astype(np.float64).T)[0].T * np.sqrt(shape[1])
            values = embedding
        elif options.text and name == "output.weight":
            values = pairs(options.text, generator) @ embedding / shape[1]
        elif name.endswith(("attn_output.weight", "ffn_down.weight")):
            values = values * weak
        yield values.astype(np.float16)


def write(options):
    keys = metadata(options)
    infos, offset = [], 0
    for name, (rows, columns) in shapes(options):
        dims = (columns,) if rows == 1 else (columns, rows)
        infos.append(text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, F32 if rows == 1 else F16, offset))
        bytes_ = rows * columns * (4 if rows == 1 else 2)
        offset += -(-bytes_ // ALIGNMENT) * ALIGNMENT
    with open(options.out, "wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(keys)) + b"".join(keys) + b"".join(infos))
        out.write(bytes(-out.tell() % ALIGNMENT))
        for values in tensors(options):
            out.write(values.tobytes())
            out.write(bytes(-out.tell() % ALIGNMENT))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in ("layers", 8), ("width", 1024), ("inner", 2816), ("heads", 16), ("seed", 1):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--text")
    parser.add_argument("out")
    write(parser.parse_args())


if __name__ == "__main__":
    main()
