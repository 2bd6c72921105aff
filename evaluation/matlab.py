"""MATLAB files, in which several benchmarks keep their annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.errors import InputError


def load_mat(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB file; raises InputError when it is missing or none."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path, squeeze_me=True, struct_as_record=False)
    except OSError as error:
        raise InputError(f"cannot read '{path}': {error.strerror or error}") from None
    except (MatReadError, ValueError, TypeError, NotImplementedError) as error:
        raise InputError(f"'{path}' is no MATLAB file that can be read: {error}") from None
