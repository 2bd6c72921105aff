"""The parser of every command line."""

from __future__ import annotations

import argparse
from typing import NoReturn

from models.errors import InputError


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the options in one line, without the whole usage in front."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")
