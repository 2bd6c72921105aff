"""Several processes as one: started by torchrun, or a single process where there is no torchrun."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

Item = TypeVar("Item")


@dataclass(frozen=True)
class World:
    """Where this process stands.

    Attributes:
        rank: its number; 0 writes files.
        size: number of processes.
        device: what it trains on.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, items: list[Item]) -> list[Item]:
        """This process's part of a list: every `size`-th entry."""
        return items[self.rank :: self.size]

    def gather(self, part: list[Item]) -> list[Item]:
        """The parts of all processes, in the order that `share` took them apart, for every process."""
        if self.size == 1:
            return part
        parts: list[Any] = [None] * self.size
        dist.all_gather_object(parts, part)
        length = sum(len(p) for p in parts)
        return [parts[i % self.size][i // self.size] for i in range(length)]

    def from_first(self, value: Item) -> Item:
        """The first process's value, for every process."""
        if self.size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, 0)
        return values[0]


def usable_cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def join_world() -> Iterator[World]:
    """Join the processes that torchrun started: NCCL between GPUs, one each, Gloo between CPUs."""
    size, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    local = int(os.environ.get("LOCAL_RANK", 0))
    cuda = torch.cuda.is_available()
    device = torch.device("cuda", local) if cuda else torch.device("cpu")
    if cuda:
        torch.cuda.set_device(device)
    if size == 1:
        yield World(0, 1, device)
        return
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield World(rank, size, device)
    finally:
        dist.destroy_process_group()


def distribute(module: nn.Module, world: World) -> nn.Module:
    """A module whose gradients are averaged over all processes; itself where there is one."""
    if world.size == 1:
        return module
    devices = [world.device] if world.device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(module, devices, broadcast_buffers=False)


def synchronise_batch_norm(network: nn.Module, world: World) -> nn.Module:
    """Let batch norm take its statistics from the batches of all processes; keys and values stay."""
    if world.size == 1:
        return network
    if world.device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(network)
    for parent in network.modules():
        for name, child in parent.named_children():
            if type(child) is nn.BatchNorm2d and child.weight.requires_grad:
                setattr(parent, name, _like(child))
    return network


def _like(norm: nn.BatchNorm2d) -> SharedBatchNorm:
    shared = SharedBatchNorm(norm.num_features, norm.eps, norm.momentum)
    shared.load_state_dict(norm.state_dict())
    return shared


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm over the batches of all processes on CPUs, which PyTorch's own does on GPUs only.

    Every process must bring a batch of the same size.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        mean = _mean_of_all(x.float().mean(dim=(0, 2, 3)))
        centred = x.float() - mean[:, None, None]
        variance = _mean_of_all((centred**2).mean(dim=(0, 2, 3)))
        self._remember(mean, variance, x.numel() // x.shape[1] * dist.get_world_size())
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        momentum = self.momentum or 0.1
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * count / max(count - 1, 1), momentum)


class _MeanOfAll(torch.autograd.Function):
    """Mean of a tensor over processes; its gradient is the mean of theirs too."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return _all_reduced_mean(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _all_reduced_mean(gradient)


def _mean_of_all(value: Tensor) -> Tensor:
    return _MeanOfAll.apply(value)


def _all_reduced_mean(value: Tensor) -> Tensor:
    total = value.contiguous().clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()
