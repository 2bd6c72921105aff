"""The training loop."""

from __future__ import annotations

import logging
import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import torch

from models.errors import InputError
from models.files import make_folder
from training.checkpoint import BEST, LAST
from training.distributed import join_world
from training.loader import create_loader
from training.networks import to_training
from training.recipe import Recipe
from training.report import write_report
from training.run import Run, create_run
from training.run_log import RunLog, Window
from training.schedule import learning_rate
from training.step import Step
from training.task import Figures, Validation

log = logging.getLogger(__name__)


def train(
    recipe: Recipe, data: Path, output: Path, resume: bool = False, tensorboard: bool = False
) -> tuple[Figures, Validation | None]:
    """Run a recipe; alone, or as one of the processes that torchrun started.

    Writes ``last.pth`` and ``best.pth`` (see `training.checkpoint`), ``log.csv``, ``validation.csv`` and at
    the end ``report/index.html`` into the output folder. Samples do not depend on processes or their number:
    n is the n-th of the run.

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
            fit, a full disk, too little memory, a network that has diverged.
        KeyboardInterrupt: after Ctrl-C, the state saved.
    """
    with join_world() as world:
        make_folder(output)
        last = output / LAST
        if last.is_file() and not resume:
            raise InputError(
                f"'{output}' holds a training run already: go on with --resume, or choose another --output"
            )
        run = create_run(recipe, data, world)
        if last.is_file():
            run.state.restore(last, world.device)
            log.info("resumed at sample %d", run.state.done)
        with RunLog(output, run.schedule.length, run.state.done, world.first, tensorboard) as run_log:
            validation = _loop(run, run_log)
        if world.first and validation is not None:
            write_report(recipe, output, run.state.figures, validation)
        return run.state.figures, validation


def _loop(run: Run, run_log: RunLog) -> Validation | None:
    """Steps, log lines and validations until the schedule's length is reached; gives the last validation."""
    recipe, schedule, state = run.recipe, run.schedule, run.state
    step, window = Step(run), Window()
    validation: Validation | None = None
    with _ends_step_first() as stopped, _explained(recipe, run.part):
        parts = iter(create_loader(run))
        while state.done < schedule.length:
            with window.waiting():
                batch = [next(parts) for _ in range(schedule.accumulate)]
            before = state.done
            skipped = sum(int(part["skipped"].sum()) for part in batch)
            window.add(step(batch), schedule.batch, skipped)
            run_log.advance(state.done)
            finished = state.done >= schedule.length
            if finished or _passed(recipe.log_every, before, state.done):
                rate = learning_rate(schedule, before)
                run_log.training(state.done, {"epoch": state.done / run.epoch, "rate": rate, **window.take()})
            if finished or _passed(run.validate_every, before, state.done):
                validation = _validate(run, run_log)
                window.restart()
            if stopped() and not finished:
                if run.world.first:
                    state.save(run_log.output / LAST, recipe)
                    log.info("stopped at sample %d; go on with --resume", state.done)
                raise KeyboardInterrupt
    return validation


def _passed(every: int, before: int, done: int) -> bool:
    """Whether a multiple of so many samples lies between two counts."""
    return done // every != before // every


def _validate(run: Run, run_log: RunLog) -> Validation:
    """Judge the averaged weights, and save the state, as the best one too where it is."""
    state = run.state
    state.average.eval()
    with run.autocast():
        found = run.task.validate(state.average)
    to_training(state.network)
    name, value = next(iter(found.figures.items()))
    if math.isnan(value):
        log.warning("nobody in the validation data counts for %s: no checkpoint can be the best", name)
    better = value > state.best
    if better:
        state.figures = found.figures
    run_log.validation(state.done, found)
    if run.world.first:
        state.save(run_log.output / LAST, run.recipe)
        if better:
            state.save(run_log.output / BEST, run.recipe)
    return found


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
