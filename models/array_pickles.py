"""Read pickles of NumPy arrays in plain containers, and refuse every other: no code in a file is ever run."""

from __future__ import annotations

import codecs
import collections
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import InputError


def read_array_pickle(path: Path) -> Any:
    """The content of a pickle that holds arrays, numbers, strings, lists, tuples and dicts alone.

    Raises InputError where the file is damaged or asks for anything else.
    """
    with path.open("rb") as file:
        try:
            return _ArrayUnpickler(file, encoding="latin1").load()
        except _Refused as error:
            raise InputError(f"'{path}' carries code ({error}) and is refused") from None
        except Exception as error:  # a damaged pickle raises anything
            raise InputError(f"'{path}' is damaged or not a pickle of arrays: {error}") from None


class _Refused(Exception):
    pass


def _allowed() -> dict[tuple[str, str], Any]:
    array = np.empty(0, np.float32)
    reconstruct, scalar = array.__reduce__()[0], np.float64(0).__reduce__()[0]
    from_buffer = array.__reduce_ex__(5)[0]
    allowed: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("builtins", "tuple"): tuple,  # PaddlePaddle writes a tensor as (name, array)
        ("_codecs", "encode"): codecs.encode,  # protocol 2 writes bytes as latin-1 text
    }
    for package in ("numpy.core", "numpy._core"):
        allowed[f"{package}.multiarray", "_reconstruct"] = reconstruct
        allowed[f"{package}.multiarray", "scalar"] = scalar
        allowed[f"{package}.numeric", "_frombuffer"] = from_buffer
    return allowed


class _ArrayUnpickler(pickle.Unpickler):
    _ALLOWED = _allowed()

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None
