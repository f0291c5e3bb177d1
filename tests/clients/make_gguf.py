#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Writes a model of llama's architecture, the same one each time, as a GGUF file.

    make_gguf.py [--layers 8] [--width 1024] [--inner 2816] [--heads 16] [--seed 1] [--text FILE] OUT

Its tokens are the 256 bytes. Weights are random, so what it says is noise, and small differences change it. The
defaults have 103 million weights of products, in f16.

With a text it is made to go on with it (class Recital), by 6 bytes of the last 25, which a prompt has to have. It
keeps the text's beginning, a byte by each second unit of its layers, with runs of blanks as one, and goes round. What
is not needed for that is random, and changes the logits but not the likeliest byte; nor does rounding, down to weights
of 2 bits (Q2_K). Such a model has 8 heads or more, and a width that is a multiple of 256.
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


class Recital:
    """The weights that make the model go on with a text, instead of random ones.

    A token's vector has the directions of a random orthogonal matrix, in groups as wide as a head: one for the token
    at this place, COPIES for tokens before it, and one for the token that follows. A token has the same code in each.
    One more direction is the same at all places. So weights are dense, and what rounding does to them is spread over
    all directions.

    The first layer's first heads each copy a token from so many places before. Each pair of a key is turned by its
    position, and the query by the same and that number more, so that all pairs agree at one distance only.

    Then a unit of a layer's SwiGLU is for a place in the text. The gate counts how many of the codes are those at this
    place, less all but SLACK, and the way down adds the code of the byte that follows.
    """

    COPIES = 5
    FARTHEST = 24
    CONSTANT = 2.2      # Codes have the length 1. With this, rounding hurts the gates least.
    FOLLOWING = 4
    SHARPNESS = 120     # The scores of the places beside the copied one are a sixth of this less.
    STEEPNESS = 8
    SLACK = 1.5         # Of the codes, how many less than all let a unit fire.
    NOISE = 0.03

    def __init__(self, options, generator):
        self.head, self.units = options.width // options.heads, options.inner // 2
        if options.heads < self.COPIES + 3:
            raise SystemExit(f"make_gguf.py: with --text there are {self.COPIES + 3} heads or more")
        basis = np.linalg.qr(generator.standard_normal((options.width, options.width)))[0]
        *self.seen, self.following = np.split(basis[:(self.COPIES + 2) * self.head], self.COPIES + 2)
        self.constant = basis[-1]
        data = b" ".join(Path(options.text).read_bytes().split())[:options.layers * self.units - 1] + b" "
        self.back = self.telling(np.frombuffer(data, np.uint8))
        self.codes = self.codes_of(data, generator)
        self.places = self.places_of(data)
        # What RMSNorm multiplies by, before and after the copies.
        self.scale = [np.sqrt(options.width / (self.CONSTANT ** 2 + codes)) for codes in (1, 1 + self.COPIES)]

    def telling(self, data):
        """How far back to look: each of these tells most places apart that look the same and go on differently."""
        def same(back):
            moved = np.roll(data, back)
            return np.equal(moved[:, None], moved).astype(np.uint8)

        differ = same(-1) == 0
        matches, backs = same(0), []
        for _ in range(self.COPIES):
            def cost(back, matches=matches):
                return np.bincount((matches + same(back))[differ], minlength=9) @ 16.0 ** np.arange(9)

            backs.append(min(range(1, self.FARTHEST + 1), key=cost))
            matches = matches + same(backs[-1])
        return sorted(backs)

    def codes_of(self, data, generator):
        """[byte]: of length 1, and at right angles for as many bytes as there can be, by their first place."""
        codes = generator.standard_normal((TOKENS, self.head))
        codes /= np.linalg.norm(codes, axis=1, keepdims=True)
        first = list(dict.fromkeys(data))[:self.head]
        codes[first] = np.linalg.qr(generator.standard_normal((self.head, self.head)))[0][:len(first)]
        return codes

    def places_of(self, data):
        """What is seen at each place, and the byte after it; of those that look the same, the last."""
        return list({tuple(data[i - back] for back in (0, *self.back)): data[(i + 1) % len(data)]
                     for i in range(len(data))}.items())

    def copy_heads(self, values, kind):
        """Into the rows of q, k or v, or into the columns of the way out."""
        angle = 10000.0 ** (-np.arange(self.head // 2) * 2 / self.head)
        weight = np.sqrt(self.SHARPNESS * np.sqrt(self.head) * angle ** 0.75 / np.sum(angle ** 0.75))
        for i, back in enumerate(self.back):
            rows = slice(i * self.head, (i + 1) * self.head)
            if kind in ("attn_q", "attn_k"):
                turned = np.arange(self.head // 2) - (back * angle if kind == "attn_q" else 0)
                pairs = np.stack([weight * np.cos(turned), weight * np.sin(turned)], axis=1).reshape(-1, 1)
                values[rows] = pairs * self.constant / (self.CONSTANT * self.scale[0])
            elif kind == "attn_v":
                values[rows] = self.seen[0]
            else:
                values[:, rows] = self.seen[1 + i].T / self.scale[0]

    def remember(self, values, kind, layer):
        """Into the units of a layer, or into their columns of the way down."""
        places = self.places[layer * self.units:(layer + 1) * self.units]
        for unit, (context, byte) in enumerate(places):
            if kind == "ffn_gate":
                values[unit] = sum(self.codes[b] @ space for b, space in zip(context, self.seen))
                values[unit] -= (len(context) - self.SLACK) / self.CONSTANT * self.constant
                values[unit] *= self.STEEPNESS / self.scale[1]
            elif kind == "ffn_up":
                values[unit] = values[unit] * 0.1 + self.constant / (self.CONSTANT * self.scale[1])
            else:
                values[:, unit] = self.FOLLOWING / self.STEEPNESS * self.codes[byte] @ self.following

    def weights(self, name, values):
        """What a tensor has instead of these random values."""
        values = values.astype(np.float64)
        if name == "token_embd.weight":
            return self.codes @ self.seen[0] + self.CONSTANT * self.constant
        if name == "output.weight":
            return values + self.codes @ self.following
        _, layer, kind, _ = name.split(".")
        if kind in ("attn_output", "ffn_down"):
            values *= self.NOISE
        if kind.startswith("ffn_"):
            self.remember(values, kind, int(layer))
        elif layer == "0":
            self.copy_heads(values, kind)
        return values


def tensors(options):
    """Of each name, in the order of shapes()."""
    generator = np.random.Generator(np.random.PCG64(options.seed))
    recital = Recital(options, generator) if options.text else None
    for name, shape in shapes(options):
        if shape[0] == 1:
            yield np.ones(shape[1], np.float32)
            continue
        values = random_tensor(generator, shape)
        yield (recital.weights(name, values) if recital else values).astype(np.float16)


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
