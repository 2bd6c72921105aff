"""The benchmarks' command lines: wrong numbers are refused in a line before anything is measured."""

import runpy
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("coco", ["--runs", "0"], "--runs: '0': give a whole number from 1"),
        ("fine_tune", ["--sequences", "0", "6"], "--sequences: '0': give a whole number"),
        ("live", ["--rounds", "0"], "--rounds: '0': give a whole number"),
        ("live", ["--seconds", "1"], "--seconds 1: give a number from 2"),
        ("live", ["--cases", "1,9"], "wrong --cases '1,9': give numbers from 1 to 5"),
        ("networks", ["-b", "0"], "-b/--batch: '0': give a whole number"),
        ("posetrack", ["--runs", "-1"], "--runs: '-1': give a whole number"),
        ("posetrack", ["--gt", "x"], "give --gt and --pred, or neither"),
        ("track", ["--frames", "0"], "--frames: '0': give a whole number"),
        ("track", ["--max-crops", "0"], "--max-crops: '0': give a whole number"),
        ("train", ["mini", "--steps", "0"], "--steps: '0': give a whole number"),
        ("train", ["minni"], "no recipe 'minni' (did you mean 'mini'?)"),
    ],
)
def test_wrong_command_lines(
    name: str,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])  # which scripts add to
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(BENCHMARKS / f"{name}.py"), run_name="__main__")
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
