"""Fixtures that every test may use."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference figures and real data that developers keep beside the project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("reference data are not here: no folder 'shared' beside the project")
    return folder


@pytest.fixture
def full_disk() -> Iterator[Callable[[int], None]]:
    """Call it with a number of bytes: from then on, no file can grow longer."""
    resource = pytest.importorskip("resource", reason="needs POSIX limits")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)
