"""The parser of every command line, and the types of options that count or name a file."""

from __future__ import annotations

import argparse
from typing import NoReturn

from models.errors import InputError


def positive(text: str) -> int:
    """The type of an option that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}': give a whole number from 1")
    return int(text)


def file_name(text: str) -> str:
    """The type of an option that names a file; an empty name would stand for the working directory."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return text


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in one line, without the whole usage in front."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")
