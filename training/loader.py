"""The samples of a run in their order, prepared by worker processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Sampler

from training.distributed import usable_cpus
from training.run import Run


def create_loader(run: Run) -> DataLoader[Any]:
    """The rest of a run's samples for this process, in the parts that go through the network at once."""
    workers = min(run.recipe.workers, usable_cpus())  # more would only wait for one another
    return DataLoader(
        run.task.samples,  # type: ignore[arg-type]
        batch_sampler=_Places(run),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_start_worker,
        pin_memory=run.world.device.type == "cuda",
    )


class _Places(Sampler[list[int]]):
    """Places of the run that this process takes, part by part: of every batch a run of neighbours."""

    def __init__(self, run: Run) -> None:
        self.batches = range(run.state.done, run.schedule.length, run.schedule.batch)
        self.share, self.part = run.schedule.batch // run.world.size, run.part
        self.rank = run.world.rank

    def __iter__(self) -> Iterator[list[int]]:
        for first in self.batches:
            mine = first + self.rank * self.share
            for begin in range(mine, mine + self.share, self.part):
                yield list(range(begin, begin + self.part))


def _start_worker(_: int) -> None:
    """One thread each, and Ctrl-C left to the main process."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
