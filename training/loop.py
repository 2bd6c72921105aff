"""The training loop: batches, optimiser, schedule, moving average, checkpoints that resume exactly."""

from __future__ import annotations

import copy
import csv
import logging
import math
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from training.recipe import Recipe, Schedule
from training.tasks import TASKS, Figures

log = logging.getLogger(__name__)


def train(recipe: Recipe, data: Path, output: Path, resume: bool = False) -> Figures:
    """Run a recipe; writes ``last.pth``, ``best.pth`` and ``log.csv`` into the output folder.

    Returns:
        the figures of the best validation.
    """
    torch.manual_seed(recipe.seed)
    output.mkdir(parents=True, exist_ok=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task = TASKS[recipe.network.kind](recipe, data, device)
    schedule = recipe.schedule
    optimiser = _optimiser(task.network, schedule)
    average = copy.deepcopy(task.network).eval().requires_grad_(False) if schedule.average else task.network
    done, best = 0, -math.inf
    if resume and (output / "last.pth").is_file():
        state = torch.load(output / "last.pth", map_location=device, weights_only=True)
        task.network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        done, best = state["done"], state["best"]
        log.info("resumed at sample %d", done)

    def checkpoint(name: str) -> None:
        state = {
            "network": task.network.state_dict(),
            "average": average.state_dict(),
            "optimiser": optimiser.state_dict(),
            "done": done,
            "best": best,
        }
        save(state, output / name)

    precision = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(recipe.precision)
    autocast = torch.autocast(device.type, precision, enabled=precision is not None)
    best_figures: Figures = {}
    window, samples, waited, started = _Means(), 0, 0.0, time.perf_counter()
    fetch_from = started
    for batch in _batches(task.samples(), recipe, done):
        waited += time.perf_counter() - fetch_from
        batch = {key: value.to(device, non_blocking=True) for key, value in batch.items()}
        rate = learning_rate(schedule, done)
        for group in optimiser.param_groups:
            group["lr"] = rate
        task.network.train()
        with autocast:
            loss, figures = task.loss(batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if schedule.clip:
            nn.utils.clip_grad_norm_(task.network.parameters(), schedule.clip)
        optimiser.step()
        if schedule.average:
            _move(average, task.network, schedule.average, done / schedule.batch)
        before, done = done, done + len(batch["image"])
        samples += len(batch["image"])
        window.add({"loss": loss.item(), **figures})
        if _passed(before, done, recipe.log_every):
            elapsed = time.perf_counter() - started
            row = {"samples": done, "rate": rate, "per_second": samples / elapsed, "data": waited / elapsed}
            _log(output / "log.csv", {**row, **window.take()})
            samples, waited, started = 0, 0.0, time.perf_counter()
        if _passed(before, done, recipe.validate_every) or done >= schedule.samples:
            average.eval()
            with autocast:
                validated = task.validate(average)
            log.info("%d samples: %s", done, "  ".join(f"{k} {v:.4f}" for k, v in validated.items()))
            _log(output / "validation.csv", {"samples": done, **validated})
            value = next(iter(validated.values()))
            if value > best:
                best, best_figures = value, validated
                checkpoint("best.pth")
            checkpoint("last.pth")
            started, samples, waited = time.perf_counter(), 0, 0.0
        fetch_from = time.perf_counter()
    return best_figures


def learning_rate(schedule: Schedule, done: int) -> float:
    """The rate after so many samples."""
    part = min(done / schedule.samples, 1.0)
    if schedule.shape == "cosine":
        factor = 0.5 * (1 + math.cos(math.pi * part))
    elif schedule.shape == "poly":
        factor = (1 - part) ** 0.9
    else:
        factor = 0.1 ** sum(part >= drop for drop in schedule.drops)
    warm_up = min(1.0, (done + schedule.batch) / schedule.warm_up) if schedule.warm_up else 1.0
    return schedule.rate * factor * warm_up


def save(state: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def _optimiser(network: nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": schedule.decay}, {"params": plain, "weight_decay": 0.0}]
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[schedule.optimiser]
    return kind(groups, lr=schedule.rate)


def _batches(samples: Any, recipe: Recipe, start: int) -> DataLoader[dict[str, Tensor]]:
    """The rest of the run from a sample on. Sample n does not depend on the process that makes it."""
    rest = Subset(samples, range(start, recipe.schedule.samples))
    return DataLoader(
        rest,
        recipe.schedule.batch,
        num_workers=recipe.workers,
        drop_last=False,
        prefetch_factor=4 if recipe.workers else None,
        worker_init_fn=_start_worker,
    )


def _start_worker(_: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


@torch.no_grad()
def _move(average: nn.Module, network: nn.Module, decay: float, step: float) -> None:
    """Exponential moving average of parameters and buffers, faster at the start."""
    decay = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def _passed(before: int, after: int, every: int) -> bool:
    return before // every != after // every


def _log(path: Path, row: dict[str, float]) -> None:
    log.info("  ".join(f"{key} {value:.4g}" for key, value in row.items()))
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(row)
        writer.writerow(f"{value:.6g}" for value in row.values())


class _Means:
    """Running means of the figures between two log lines."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0

    def add(self, figures: Figures) -> None:
        self.count += 1
        for key, value in figures.items():
            self.sums[key] = self.sums.get(key, 0.0) + value

    def take(self) -> Figures:
        means = {key: total / self.count for key, total in self.sums.items()}
        self.sums, self.count = {}, 0
        return means
