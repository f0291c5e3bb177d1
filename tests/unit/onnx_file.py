# SPDX-License-Identifier: GPL-2.0
"""ONNX files for tests, written and read by the wire format of protobuf. Needs nothing but Python."""
import math
import struct

FLOAT, UINT8, INT8, INT32, INT64, UINT4, INT4, INT2 = 1, 2, 3, 6, 7, 21, 22, 26
CODE = {FLOAT: "f", UINT8: "B", INT8: "b", INT32: "i", INT64: "q"}


def varint(value):
    value &= (1 << 64) - 1
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    """A number, text, bytes or a message, as the field of that number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, kind, shape, values):
    raw = struct.pack("<%d%s" % (len(values), CODE[kind]), *values)
    return b"".join(field(1, d) for d in shape) + field(2, kind) + field(8, name) + field(9, raw)


def attribute(name, value):
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, float):
        return field(1, name) + field(2, value) + field(20, 1)
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    if isinstance(value, bytes):
        return field(1, name) + field(5, value) + field(20, 4)
    return field(1, name) + b"".join(field(8, v) for v in value) + field(20, 7)


def node(kind, inputs, outputs, name="", **attributes):
    return (b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs) + field(3, name) + field(4, kind) +
            b"".join(field(5, attribute(k, v)) for k, v in attributes.items()))


def value(name, kind, shape):
    dims = b"".join(field(1, field(1, d) if isinstance(d, int) else field(2, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def model(nodes, inputs, outputs, constants, opset=13):
    graph = (b"".join(field(1, n) for n in nodes) + field(2, "g") + b"".join(field(5, c) for c in constants) +
             b"".join(field(11, i) for i in inputs) + b"".join(field(12, o) for o in outputs))
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, opset))


def fields(raw):
    """{number: [values]} of a message."""
    found, at = {}, 0

    def number():
        nonlocal at
        result = shift = 0
        while True:
            byte = raw[at]
            at += 1
            result |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return result

    while at < len(raw):
        tag = number()
        if tag & 7 == 0:
            got = number()
        elif tag & 7 == 5:
            got, at = raw[at:at + 4], at + 4
        elif tag & 7 == 1:
            got, at = raw[at:at + 8], at + 8
        else:
            length = number()
            got, at = raw[at:at + length], at + length
        found.setdefault(tag >> 3, []).append(got)
    return found


def read(path):
    """(opset, [(kind, inputs, outputs)], {name: (type, shape, values)}) of a file."""
    with open(path, "rb") as f:
        whole = fields(f.read())
    graph = fields(whole[7][0])
    nodes = []
    for raw in graph[1]:
        n = fields(raw)
        nodes.append((n[4][0].decode(), [i.decode() for i in n.get(1, [])], [o.decode() for o in n.get(2, [])]))
    constants = {}
    for raw in graph.get(5, []):
        t = fields(raw)
        shape, kind, data = tuple(t.get(1, [])), t[2][0], t.get(9, [b""])[0]
        count = math.prod(shape)
        if kind in CODE:
            values = struct.unpack("<%d%s" % (count, CODE[kind]), data)
        else:
            bits = 2 if kind == INT2 else 4
            values = [data[i * bits // 8] >> i * bits % 8 & (1 << bits) - 1 for i in range(count)]
            if kind != UINT4:
                values = tuple(v - (1 << bits) if v >> (bits - 1) else v for v in values)
        constants[t[8][0].decode()] = (kind, shape, values)
    return fields(whole[8][0])[2][0], nodes, constants
