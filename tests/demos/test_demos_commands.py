"""Every demo answers --help as a script, and the commands that are installed lead somewhere."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

DEMOS = sorted(path for path in (Path(__file__).parents[2] / "demos").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("script", DEMOS, ids=lambda path: path.stem)
def test_every_demo_explains_itself(script: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(script), "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")


def test_installed_commands_lead_to_functions() -> None:
    try:
        commands = distribution("simpleposetrack").entry_points.select(group="console_scripts")
    except PackageNotFoundError:
        pytest.skip("the project is not installed, only on the path")
    assert {c.name for c in commands} == {"track-video", "live-view", "view-results", "pose-image"}
    assert all(callable(command.load()) for command in commands)
