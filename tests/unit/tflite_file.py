# SPDX-License-Identifier: GPL-2.0
"""Writes TensorFlow Lite files: just enough of FlatBuffers, every table before what it refers to."""

import struct

import numpy as np

TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "resource": 13, "int4": 17}
CODES = {name: code for code, name in [
    (0, "ADD"), (1, "AVERAGE_POOL_2D"), (2, "CONCATENATION"), (3, "CONV_2D"), (4, "DEPTHWISE_CONV_2D"), (6, "DEQUANTIZE"),
    (9, "FULLY_CONNECTED"), (14, "LOGISTIC"), (17, "MAX_POOL_2D"), (18, "MUL"), (19, "RELU"), (20, "RELU_N1_TO_1"), (21, "RELU6"),
    (22, "RESHAPE"), (23, "RESIZE_BILINEAR"), (25, "SOFTMAX"), (28, "TANH"), (32, "CUSTOM"), (34, "PAD"), (39, "TRANSPOSE"), (40, "MEAN"), (41, "SUB"),
    (43, "SQUEEZE"), (45, "STRIDED_SLICE"), (49, "SPLIT"), (55, "MAXIMUM"), (57, "MINIMUM"), (60, "PADV2"), (65, "SLICE"),
    (67, "TRANSPOSE_CONV"), (70, "EXPAND_DIMS"), (83, "PACK"), (88, "UNPACK"), (97, "RESIZE_NEAREST_NEIGHBOR"), (98, "LEAKY_RELU"),
    (102, "SPLIT_V"), (106, "ADD_N"), (111, "ELU"), (114, "QUANTIZE"), (117, "HARD_SWISH"), (129, "CALL_ONCE"), (142, "VAR_HANDLE"),
    (143, "READ_VARIABLE"), (144, "ASSIGN_VARIABLE"), (150, "GELU")]}


class Table:
    """Fields by number: ("b", 1) and other formats of struct, or a Table, a list of Tables, bytes, text, (format, list)."""

    def __init__(self, **fields):
        self.fields = {int(k[1:]): v for k, v in fields.items() if v is not None}


class Writer:
    def __init__(self, root):
        self.out = bytearray(4) + b"TFL3"
        self.todo = [(0, root)]
        while self.todo:
            at, what = self.todo.pop(0)
            self.refer(at, self.put(what))

    def refer(self, at, to):
        struct.pack_into("<I", self.out, at, to - at)

    def align(self, to, ahead=0):
        self.out += bytes(-(len(self.out) + ahead) % to)

    def vector(self, count, data, align=4):
        self.align(align, 4)
        at = len(self.out)
        self.out += struct.pack("<I", count) + data
        return at

    def put(self, what):
        if isinstance(what, str):
            return self.vector(len(what.encode()), what.encode() + b"\0")
        if isinstance(what, bytes):
            return self.vector(len(what), what, 16)
        if isinstance(what, tuple):
            size = struct.calcsize("<" + what[0])
            return self.vector(len(what[1]), b"".join(struct.pack("<" + what[0], v) for v in what[1]), max(size, 4))
        if isinstance(what, list):
            at = self.vector(len(what), bytes(4 * len(what)))
            self.todo += [(at + 4 + 4 * i, t) for i, t in enumerate(what)]
            return at
        return self.table(what.fields)

    def table(self, fields):
        entries = [0] * (max(fields, default=-1) + 1)
        body, refs = bytearray(4), []
        for number, value in fields.items():
            plain = isinstance(value, tuple) and not isinstance(value[1], (list, np.ndarray))
            size = struct.calcsize("<" + value[0]) if plain else 4
            body += bytes(-len(body) % size)
            entries[number] = len(body)
            if not plain:
                refs.append((len(body), value))
            body += struct.pack("<" + value[0], value[1]) if plain else bytes(4)
        self.align(8, 4 + 2 * len(entries))
        vtable = len(self.out)
        self.out += struct.pack("<%dH" % (2 + len(entries)), 4 + 2 * len(entries), len(body), *entries)
        self.align(8)
        at = len(self.out)
        struct.pack_into("<i", body, 0, at - vtable)
        self.out += body
        self.todo += [(at + place, value) for place, value in refs]
        return at


class Subgraph:
    def __init__(self, model):
        self.model, self.tensors, self.operators, self.inputs, self.outputs = model, [], [], [], []

    def tensor(self, dtype, shape, scale=None, zp=0, data=None, axis=0, name=None):
        """Number of a tensor; data makes it a constant."""
        quantization = None
        if scale is not None:
            scales = np.atleast_1d(scale).astype(np.float32).tolist()
            zps = np.broadcast_to(np.atleast_1d(zp), len(scales)).tolist()
            quantization = Table(f2=("f", scales), f3=("q", zps), f6=("i", axis))
        buffer = self.model.buffer(data) if data is not None else 0
        self.tensors.append(Table(f0=("i", list(shape)), f1=("b", TYPES[dtype]), f2=("I", buffer),
                                  f3=name or "t%d" % len(self.tensors), f4=quantization))
        return len(self.tensors) - 1

    def constant(self, array, scale=None, zp=0, axis=0):
        return self.tensor(str(array.dtype), array.shape, scale, zp, array.tobytes(), axis)

    def op(self, kind, inputs, outputs, options=None, option_type=1):
        self.operators.append(Table(f0=("I", self.model.code(kind)), f1=("i", list(inputs)), f2=("i", list(outputs)),
                                    f3=("B", option_type) if options else None, f4=options))


class Model:
    """A file with a main subgraph; more by subgraph()."""

    def __init__(self):
        self.codes, self.buffers, self.graphs = [], [Table()], []
        self.main = self.subgraph()

    def subgraph(self):
        self.graphs.append(Subgraph(self))
        return self.graphs[-1]

    def buffer(self, data):
        self.buffers.append(Table(f0=bytes(data)))
        return len(self.buffers) - 1

    def code(self, kind):
        code = CODES.get(kind, kind)
        if code not in self.codes:
            self.codes.append(code)
        return self.codes.index(code)

    def bytes(self):
        codes = [Table(f0=("b", min(c, 127)), f1="Thing" if c == 32 else None, f2=("i", 1), f3=("i", c)) for c in self.codes]
        graphs = [Table(f0=g.tensors, f1=("i", g.inputs), f2=("i", g.outputs), f3=g.operators, f4="main") for g in self.graphs]
        return bytes(Writer(Table(f0=("I", 3), f1=codes, f2=graphs, f3="made by a test", f4=self.buffers)).out)
