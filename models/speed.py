"""How fast a network runs here."""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from models.architectures import create_pose_network
from models.engines import Engine, create_engine


def persons_per_second(architecture: str, input_size: tuple[int, int], batch: int = 8) -> float:
    """Crops a second through an architecture with random weights, engine and precision auto."""
    engine = create_engine(create_pose_network(architecture, input_size=input_size))
    return batch / seconds_per_call(engine, batch)


def seconds_per_call(engine: Engine, batch: int, calls: int = 7) -> float:
    """Median time of a batch of random crops, after two calls to warm up."""
    crops = np.random.default_rng(0).integers(0, 256, (batch, *engine.description.input_size, 3), np.uint8)
    times = []
    for _ in range(calls + 2):
        began = time.perf_counter()
        engine(crops)
        times.append(time.perf_counter() - began)
    return median(times[2:])
