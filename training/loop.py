"""The training loop."""

from __future__ import annotations

import copy
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler

from models.errors import InputError
from models.files import make_folder
from training.checkpoint import BEST, LAST, RunState
from training.detector_task import DetectorTask
from training.distributed import World, distribute, join_world, synchronise_batch_norm
from training.networks import to_training
from training.pose_task import PoseTask
from training.recipe import Recipe, Schedule
from training.rendered import render_missing
from training.run_log import Means, RunLog
from training.schedule import create_optimiser, in_samples, learning_rate, move_average, part_size
from training.task import Batch, Figures, Task, Validation

log = logging.getLogger(__name__)

TASKS: dict[str, Callable[[Recipe, Path, World], Task]] = {
    "pose_resnet": PoseTask,
    "mspn": PoseTask,
    "person_detector": DetectorTask,
}
PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}


def create_task(recipe: Recipe, data: Path, world: World) -> Task:
    """The recipe's task with its network, which depends on the recipe's seed alone."""
    render_missing(recipe, data, world)
    torch.manual_seed(recipe.seed)
    return TASKS[recipe.network.kind](recipe, data, world)


def train(
    recipe: Recipe, data: Path, output: Path, resume: bool = False, tensorboard: bool = False
) -> tuple[Figures, Validation | None]:
    """Run a recipe; alone, or as one of the processes that torchrun started.

    Writes ``last.pth`` and ``best.pth`` (see `training.checkpoint`), ``log.csv`` and ``validation.csv`` into
    the output folder. Samples do not depend on processes or their number: n is the n-th of the run.

    Args:
        recipe: what to do.
        data: folder of the data sets.
        output: folder for checkpoints and logs; made where missing.
        resume: go on from ``last.pth`` where there is one.
        tensorboard: also write TensorBoard's files.

    Returns:
        figures of the best validation, and the last one, None where the run was finished before.

    Raises:
        InputError: wrong data, a folder that cannot be made or holds another run, a checkpoint that does not
            fit, a full disk, too little memory.
        KeyboardInterrupt: after Ctrl-C, the state saved.
    """
    with join_world() as world:
        make_folder(output)
        if not resume and (output / LAST).is_file():
            raise InputError(
                f"'{output}' holds a training run already: go on with --resume, or choose another --output"
            )
        task = create_task(recipe, data, world)
        schedule = in_samples(recipe.schedule, len(task.samples.mix))
        state = create_state(task, schedule, recipe, world)
        if resume and (output / LAST).is_file():
            state.restore(output / LAST, world.device)
            log.info("resumed at sample %d", state.done)
        with RunLog(output, schedule.samples or 0, state.done, world.first, tensorboard) as run_log:
            last = _run(recipe, schedule, task, state, world, run_log)
        return state.figures, last


def create_state(task: Task, schedule: Schedule, recipe: Recipe, world: World) -> RunState:
    """The state of a run before its first step."""
    average = copy.deepcopy(task.network).eval().requires_grad_(False) if schedule.average else None
    network = synchronise_batch_norm(task.network, world)
    scaler = torch.amp.GradScaler(world.device.type, enabled=recipe.precision == "fp16")
    return RunState(
        network, network if average is None else average, create_optimiser(network, schedule), scaler
    )


def _run(
    recipe: Recipe, schedule: Schedule, task: Task, state: RunState, world: World, run_log: RunLog
) -> Validation | None:
    """Steps and validations until the schedule's length is reached."""
    assert schedule.samples is not None
    part = part_size(schedule, world.size)
    every = _validation_interval(recipe, schedule, len(task.samples.mix))
    step = Step(task, state, schedule, recipe, world)
    window = _Window(world)
    validation: Validation | None = None
    with _ends_step_first() as stopped, _explained(recipe, part):
        parts = iter(create_loader(task, recipe, schedule, state.done, part, world))
        while state.done < schedule.samples:
            with window.waiting():
                batches = [next(parts) for _ in range(schedule.accumulate)]
            before = state.done
            window.add(step(batches), schedule.batch)
            done = state.done
            run_log.advance(done)
            if done // recipe.log_every != before // recipe.log_every or done == schedule.samples:
                rate = learning_rate(schedule, before)
                run_log.training(done, {"epoch": done / len(task.samples.mix), "rate": rate, **window.take()})
            if done // every != before // every or done == schedule.samples:
                validation = _validate(recipe, task, state, world, run_log)
                window.restart()
            if stopped() and done < schedule.samples:
                if world.first:
                    state.save(run_log.output / LAST, recipe)
                    log.info("stopped at sample %d; go on with --resume", done)
                raise KeyboardInterrupt
    return validation


def _validate(recipe: Recipe, task: Task, state: RunState, world: World, run_log: RunLog) -> Validation:
    state.average.eval()
    with _autocast(recipe, world):
        found = task.validate(state.average)
    to_training(state.network)
    better = next(iter(found.figures.values())) > state.best
    if better:
        state.figures = found.figures
    run_log.validation(state.done, found)
    if world.first:
        state.save(run_log.output / LAST, recipe)
        if better:
            state.save(run_log.output / BEST, recipe)
    return found


def _validation_interval(recipe: Recipe, schedule: Schedule, epoch: int) -> int:
    assert schedule.samples is not None
    if recipe.validate_every is None:
        return max(schedule.samples // 20, 1)
    return max(round(recipe.validate_every * (1 if recipe.schedule.epochs is None else epoch)), 1)


def _autocast(recipe: Recipe, world: World) -> torch.autocast:
    kind = PRECISIONS.get(recipe.precision)
    return torch.autocast(world.device.type, kind, enabled=kind is not None)


class Step:
    """One step of the optimiser over the parts of a batch."""

    def __init__(self, task: Task, state: RunState, schedule: Schedule, recipe: Recipe, world: World) -> None:
        self.state, self.schedule, self.recipe, self.world = state, schedule, recipe, world
        to_training(state.network)
        self.module = distribute(_WithLoss(task, state.network), world)

    def __call__(self, batches: list[Batch]) -> dict[str, Tensor]:
        """Learn from a batch; gives the means of its figures over the parts of this process."""
        state, schedule = self.state, self.schedule
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(schedule, state.done)
        state.optimiser.zero_grad(set_to_none=True)
        means: dict[str, Tensor] = {}
        for i, batch in enumerate(batches):
            last = i == len(batches) - 1
            with nullcontext() if last or self.world.size == 1 else self.module.no_sync():  # type: ignore[operator]
                figures = self._learn(batch, len(batches))
            for key, value in figures.items():
                means[key] = means.get(key, 0) + value / len(batches)
        if schedule.clip:
            state.scaler.unscale_(state.optimiser)
            nn.utils.clip_grad_norm_(state.network.parameters(), schedule.clip)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        if schedule.average:
            move_average(state.average, state.network, schedule.average, state.done // schedule.batch)
        state.done += schedule.batch
        return means

    def _learn(self, batch: Batch, parts: int) -> dict[str, Tensor]:
        skipped = batch["skipped"].sum()
        batch = {key: value.to(self.world.device, non_blocking=True) for key, value in batch.items()}
        with _autocast(self.recipe, self.world):
            loss, figures = self.module(batch)
        self.state.scaler.scale(loss / parts).backward()
        return {"loss": loss.detach(), **figures, "skipped": skipped * parts}


class _WithLoss(nn.Module):
    """A network together with its task's loss: what is run in every process."""

    def __init__(self, task: Task, network: nn.Module) -> None:
        super().__init__()
        self.task, self.network = task, network

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return self.task.loss(self.network, batch)


class _Window:
    """Means and speed between two log lines."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.means = Means()
        self.skipped = 0.0
        self.restart()

    def restart(self) -> None:
        """Start the clock anew."""
        self.samples, self.waited, self.since = 0, 0.0, time.perf_counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Time that is spent waiting for samples."""
        began = time.perf_counter()
        yield
        self.waited += time.perf_counter() - began

    def add(self, figures: dict[str, Tensor], samples: int) -> None:
        self.skipped += float(figures.pop("skipped"))
        self.means.add(figures)
        self.samples += samples

    def take(self) -> Figures:
        """Samples a second, the share of the time spent waiting for them, mean figures, pictures left out."""
        means = self.means.take()  # waits for the device
        elapsed = time.perf_counter() - self.since
        figures = {
            "per_second": self.samples / elapsed,
            "waiting": self.waited / elapsed,
            **means,
            "skipped": self.skipped,
        }
        self.restart()
        return figures


class _Places(Sampler[list[int]]):
    """Places of the run that this process takes, part by part: of every batch a run of neighbours."""

    def __init__(self, start: int, end: int, batch: int, part: int, world: World) -> None:
        self.start, self.end, self.batch, self.part, self.world = start, end, batch, part, world

    def __iter__(self) -> Iterator[list[int]]:
        share = self.batch // self.world.size
        for first in range(self.start, self.end, self.batch):
            mine = first + self.world.rank * share
            for begin in range(mine, mine + share, self.part):
                yield list(range(begin, begin + self.part))


def create_loader(
    task: Task, recipe: Recipe, schedule: Schedule, done: int, part: int, world: World
) -> DataLoader[Any]:
    """The rest of a run's samples for this process, in parts.

    Args:
        task, recipe, world: of the run.
        schedule: with its length in samples.
        done: samples of the run that are over.
        part: samples of a part.
    """
    assert schedule.samples is not None
    workers = min(recipe.workers, usable_cpus())
    return DataLoader(
        task.samples,  # type: ignore[arg-type]
        batch_sampler=_Places(done, schedule.samples, schedule.batch, part, world),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        worker_init_fn=start_worker,
        pin_memory=world.device.type == "cuda",
    )


def usable_cpus() -> int:
    """CPUs that this process may use: more workers would only wait for one another."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_worker(_: int) -> None:
    """One thread each, and Ctrl-C left to the main process."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _ends_step_first() -> Iterator[Callable[[], bool]]:
    """Let a step end before Ctrl-C or a termination takes effect; the second one does at once."""
    asked: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                stack.callback(signal.signal, number, signal.signal(number, note))
        yield lambda: bool(asked)


@contextmanager
def _explained(recipe: Recipe, part: int) -> Iterator[None]:
    """Errors that the user can mend, in one line."""
    try:
        yield
    except InputError as error:  # one of a worker carries its traceback
        raise InputError(
            str(error).strip().splitlines()[-1].removeprefix("models.errors.InputError: ")
        ) from None
    except RuntimeError as error:
        text = str(error)
        if not isinstance(error, torch.OutOfMemoryError) and "allocate memory" not in text:
            raise
        height, width = recipe.network.input_size
        raise InputError(
            f"out of memory with {part} pictures of {height}x{width} at once: raise schedule.accumulate (now "
            f"{recipe.schedule.accumulate}), or lower schedule.batch (now {recipe.schedule.batch})"
        ) from None
