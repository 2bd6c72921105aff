"""Files that appear under their name only when they are whole, apart from those that are read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from models.errors import InputError


def check_output(path: Path, overwrite: bool = False) -> None:
    """Raise InputError unless a file of that name may and can be written, before the work begins."""
    if os.path.isdir(path):  # Path.is_dir raises at a name that is too long
        raise InputError(f"cannot write '{path}': it is a folder; give a file's name")
    if os.path.exists(path) and not overwrite:
        raise InputError(f"'{path}' exists: add --overwrite to replace it, or give another name")
    with whole_file(path) as beside:
        beside.touch()
        beside.unlink()


def check_apart(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Raise InputError where an output is a file that is read, or that another output is written to.

    Names that lead to the same file are the same. Files need not exist.
    """
    read = {_file_of(path) for path in inputs}
    written: set[object] = set()
    for path in outputs:
        file = _file_of(path)
        if file in read:
            raise InputError(f"cannot write '{path}': it is an input; give another name")
        if file in written:
            raise InputError(f"two outputs would be '{path}': give each a name or folder of its own")
        written.add(file)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where there are none; raises InputError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder '{folder}': {error.strerror}") from None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path of the same name in a hidden folder beside, to write to; at the end the file takes its place.

    Further files that are written next to it come along, before it: an OpenVINO model has two. After an
    exception nothing is left behind, and an old file of that name stays as it was.

    Raises InputError where it cannot be written, as on a full disk.
    """
    make_folder(path.parent)
    try:
        with TemporaryDirectory(dir=path.parent, prefix=".", suffix=".part") as folder:
            yield Path(folder, path.name)
            for file in sorted(Path(folder).iterdir(), key=lambda file: file.name == path.name):
                file.replace(path.with_name(file.name))
    except OSError as error:
        raise InputError(f"cannot write '{path}': {error.strerror or error}") from None


def read_whole(path: Path) -> bytes:
    """A file's content; raises InputError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}") from None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; raises InputError where it cannot be written."""
    with whole_file(path) as beside:
        beside.write_bytes(content)


def write_json(path: Path, content: Any, indent: bool = False) -> None:
    """Write JSON, arrays included, whole or not at all; raises InputError where it cannot be written."""
    option = orjson.OPT_SERIALIZE_NUMPY | (orjson.OPT_INDENT_2 if indent else 0)
    write_whole(path, orjson.dumps(content, option=option))


def _file_of(path: Path) -> object:
    """The same for all names of a file, and for all names at which one could be made."""
    try:
        file = path.stat()
    except OSError:
        return os.path.realpath(path)
    return file.st_dev, file.st_ino
