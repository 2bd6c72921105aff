"""Whatever goes wrong in a command is a line and an exit status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("statement", "status", "says"),
    [
        ("return 0", 0, ""),
        ("raise InputError('wrong: mend it')", 2, "error: wrong: mend it\n"),
        ("raise KeyboardInterrupt", 130, "interrupted\n"),
        ("open('nowhere')", 1, "error: [Errno 2] No such file or directory: 'nowhere'\n"),
    ],
)
def test_errors(statement: str, status: int, says: str) -> None:
    done = command(statement)
    assert (done.returncode, done.stderr) == (status, says)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_nobody_takes() -> None:
    with Path("/dev/full").open("w") as full:
        done = command("print('text'); return 0", stdout=full.fileno())
    assert (done.returncode, done.stderr) == (1, "error: [Errno 28] No space left on device\n")
    read, write = os.pipe()
    os.close(read)
    done = command("print('text'); return 0", stdout=write)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_letters_that_the_output_lacks() -> None:
    done = command("print('a → b', chr(0xDCE9)); return 0", encoding="latin-1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "a ? b ?\n", "")


def command(
    statement: str, stdout: int = subprocess.PIPE, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    code = f"import sys\nfrom models.errors import *\ndef run(): {statement}\nsys.exit(exit_status(run))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )
