"""What a run tells while it goes on: log lines, CSV files, a progress bar, TensorBoard."""

from __future__ import annotations

import csv
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import Tensor

from models.progress import progress
from training.sheets import sheet
from training.task import Figures, Validation

log = logging.getLogger(__name__)

TRAINING, VALIDATION = "log.csv", "validation.csv"


class RunLog:
    """The log of one run; a context manager. Silent where it is not the first process's.

    Args:
        output: folder of the CSV files.
        total: samples of the whole run.
        done: samples that it resumes from.
        speaks: whether this process writes.
        tensorboard: also write TensorBoard's files, below ``output/tensorboard``.
    """

    def __init__(self, output: Path, total: int, done: int, speaks: bool, tensorboard: bool = False) -> None:
        self.output, self.speaks = output, speaks
        self.writer = _tensorboard(output / "tensorboard") if speaks and tensorboard else None
        self._done = done
        self._progress = progress("samples", total, done, show=speaks)

    def __enter__(self) -> RunLog:
        self._advance = self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.__exit__(kind, error, trace)
        if self.writer:
            self.writer.close()

    def advance(self, done: int) -> None:
        """Move the progress bar."""
        self._advance(done - self._done)
        self._done = done

    def training(self, done: int, figures: Figures) -> None:
        """A log line of training."""
        self._write(TRAINING, "training", done, figures)

    def validation(self, done: int, found: Validation) -> None:
        """Figures and pictures of a validation."""
        self._write(VALIDATION, "validation", done, found.figures)
        if self.writer and found.pictures:
            picture = sheet(found.pictures, 4)[..., ::-1].copy()
            self.writer.add_image("validation/worst", picture, done, dataformats="HWC")

    def _write(self, name: str, group: str, done: int, figures: Figures) -> None:
        if not self.speaks:
            return
        log.info("%s %d  %s", group, done, "  ".join(f"{key} {value:.4g}" for key, value in figures.items()))
        row = {"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "samples": done}
        append_row(self.output / name, row | {key: f"{value:.6g}" for key, value in figures.items()})
        if self.writer:
            for key, value in figures.items():
                self.writer.add_scalar(f"{group}/{key}", value, done)


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Add a row to a CSV file, with a header where the columns differ from those before."""
    header = ""
    if path.exists():
        with path.open(newline="") as file:
            header = next((line for line in reversed(file.readlines()) if line.startswith("time,")), "")
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if header.strip() != ",".join(row):
            writer.writeheader()
        writer.writerow(row)


def read_rows(path: Path) -> list[dict[str, float]]:
    """The numbers of a log file; of samples that a resumed run went through twice, the later ones."""
    rows: dict[float, dict[str, float]] = {}
    if path.exists():
        names: list[str] = []
        with path.open(newline="") as file:
            for values in csv.reader(file):
                if values[0] == "time":
                    names = values[1:]
                else:
                    row = dict(zip(names, map(float, values[1:]), strict=True))
                    rows = {samples: old for samples, old in rows.items() if samples < row["samples"]}
                    rows[row["samples"]] = row
    return list(rows.values())


class Window:
    """Means and speed between two log lines, summed on their device so that nothing waits for it."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._steps = self._skipped = 0
        self.restart()

    def restart(self) -> None:
        """Start the clock anew."""
        self._samples, self._waited, self._since = 0, 0.0, time.perf_counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time that is spent waiting for samples."""
        began = time.perf_counter()
        yield
        self._waited += time.perf_counter() - began

    def add(self, figures: dict[str, Tensor], samples: int, skipped: int) -> None:
        """A step's figures, its samples in all processes, and the pictures left out in this one."""
        for key, value in figures.items():
            self._sums[key] = self._sums.get(key, 0) + value
        self._steps += 1
        self._samples += samples
        self._skipped += skipped

    def take(self) -> Figures:
        """Samples a second, the share of the time spent waiting for them, means, pictures left out so far."""
        means = {key: float(total) / self._steps for key, total in self._sums.items()}  # waits for the device
        elapsed = time.perf_counter() - self._since
        speed = {"per_second": self._samples / elapsed, "waiting": self._waited / elapsed}
        self._sums, self._steps = {}, 0
        self.restart()
        return {**speed, **means, "skipped": self._skipped}


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.warning("TensorBoard is not installed, going on without: pip install tensorboard")
        return None
    return SummaryWriter(str(folder))
