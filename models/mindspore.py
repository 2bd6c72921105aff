"""Read MindSpore's checkpoint files without MindSpore.

A ``.ckpt`` is a protobuf ``Checkpoint``: repeated ``value`` (field 1), each with ``tag`` (1, the parameter's
name) and ``tensor`` (2), which has ``dims`` (1), ``tensor_type`` (2, such as ``Float32``) and
``tensor_content`` (3, little endian). A large tensor is written in several values of the same tag, to be
joined in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError

_TYPES = {"Float16": "<f2", "Float32": "<f4", "Float64": "<f8", "Int32": "<i4", "Int64": "<i8", "UInt8": "u1"}


def read_mindspore(path: Path) -> dict[str, NDArray]:
    """Parameters by name; raises InputError for a damaged file or one of another format."""
    try:
        return _read(path.read_bytes())
    except (IndexError, KeyError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"'{path}' is damaged or not a MindSpore checkpoint: {error}") from None


def _read(data: bytes) -> dict[str, NDArray]:
    pieces: dict[str, list[bytes]] = {}
    shapes: dict[str, tuple[list[int], str]] = {}
    for field, value in _fields(data):
        if field != 1 or not isinstance(value, bytes):
            continue
        message = dict(_fields(value))
        tag, tensor = message[1], message[2]
        if not isinstance(tag, bytes) or not isinstance(tensor, bytes):
            raise ValueError("a parameter without name or tensor")
        dims: list[int] = []
        kind, content = "", b""
        for number, part in _fields(tensor):
            if number == 1:
                dims += [part] if isinstance(part, int) else _packed(part)
            elif number == 2 and isinstance(part, bytes):
                kind = part.decode()
            elif number == 3 and isinstance(part, bytes):
                content = part
        name = tag.decode()
        pieces.setdefault(name, []).append(content)
        shapes[name] = dims, kind
    if not pieces:
        raise ValueError("no parameters in it")
    return {name: _array(b"".join(pieces[name]), *shapes[name]) for name in pieces}


def _array(content: bytes, dims: list[int], kind: str) -> NDArray:
    return np.frombuffer(content, _TYPES[kind]).reshape([d for d in dims if d > 0])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values of a protobuf message: integers, or the bytes of anything longer."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        if kind == 2:
            length, position = _varint(data, position)
        else:
            length = {1: 8, 5: 4}[kind]
        if position + length > len(data):
            raise ValueError("it ends in the middle of a value")
        yield key >> 3, data[position : position + length]
        position += length


def _packed(data: bytes) -> list[int]:
    numbers, position = [], 0
    while position < len(data):
        number, position = _varint(data, position)
        numbers.append(number)
    return numbers


def _varint(data: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
