"""One step of training: forward, backward, the optimiser, the moving average."""

from __future__ import annotations

from contextlib import nullcontext

from torch import Tensor, nn

from training.distributed import distribute
from training.networks import to_training
from training.run import Run
from training.schedule import learning_rate, move_average
from training.task import Batch, Task


class Step:
    """One step of the optimiser over the parts of a batch."""

    def __init__(self, run: Run) -> None:
        self.run = run
        to_training(run.state.network)
        self.module = distribute(_WithLoss(run.task, run.state.network), run.world)

    def __call__(self, parts: list[Batch]) -> dict[str, Tensor]:
        """Learn from this process's parts of a batch; gives the means of their figures, on the device."""
        state, schedule = self.run.state, self.run.schedule
        for group in state.optimiser.param_groups:
            group["lr"] = learning_rate(schedule, state.done)
        state.optimiser.zero_grad()
        means: dict[str, Tensor] = {}
        for i, part in enumerate(parts):
            last = i == len(parts) - 1  # processes exchange their gradients once a step
            with nullcontext() if last or self.run.world.size == 1 else self.module.no_sync():  # type: ignore[operator]
                figures = self._learn(part, len(parts))
            for key, value in figures.items():
                means[key] = means.get(key, 0) + value / len(parts)
        if schedule.clip:
            state.scaler.unscale_(state.optimiser)
            nn.utils.clip_grad_norm_(state.network.parameters(), schedule.clip)
        state.scaler.step(state.optimiser)
        state.scaler.update()
        if schedule.average:
            move_average(state.average, state.network, schedule.average, state.done // schedule.batch)
        state.done += schedule.batch
        return means

    def _learn(self, part: Batch, parts: int) -> dict[str, Tensor]:
        batch = {key: value.to(self.run.world.device, non_blocking=True) for key, value in part.items()}
        with self.run.autocast():
            loss, figures = self.module(batch)
        self.run.state.scaler.scale(loss / parts).backward()
        return {"loss": loss.detach(), **figures}


class _WithLoss(nn.Module):
    """A network together with its task's loss: what is run in every process."""

    def __init__(self, task: Task, network: nn.Module) -> None:
        super().__init__()
        self.task, self.network = task, network

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        return self.task.loss(self.network, batch)
