"""Persons a second through every network on every engine, in one run, rounds interleaved, medians and ratios.

    python benchmarks/networks.py                          all networks, batches of 1 and 8
    python benchmarks/networks.py pose_resnet_50 -b 8      one network, one batch size

Weights are random (speed does not depend on them); int8 needs NNCF and is calibrated on random pictures.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray

from models.architectures import ARCHITECTURES, create_pose_network
from models.command import Parser, positive
from models.engines import Engine, create_engine
from models.engines.choice import cpu_has_bf16
from models.errors import InputError, exit_status
from models.pose_network import PoseNetwork

Run = Callable[[NDArray[np.uint8]], object]
EAGER = "eager fp32"
# everything else at 256x192
SIZES = {f"{name} 128x96": (128, 96) for name in ("pose_resnet_18", "pose_resnet_18_3layers_d64")}


def main() -> int:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="architectures (default: all)")
    parser.add_argument("-b", "--batch", type=positive, action="append", help="batch size (default: 1 and 8)")
    parser.add_argument(
        "--rounds", type=positive, default=7, help="timed rounds over all engines (default: 7)"
    )
    args = parser.parse_args()
    names = args.networks or [*ARCHITECTURES, *SIZES]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, bf16 {cpu_has_bf16()}")
    for name in names:
        size = SIZES.get(name, (256, 192))
        network = create_pose_network(name.split()[0], input_size=size)
        engines = _engines(network)
        for batch in args.batch or (1, 8):
            _report(name, batch, _measure(engines, size, batch, args.rounds))
    return 0


def quantised(network: PoseNetwork) -> Engine:
    """A network of random weights in int8, calibrated on noise; nothing is kept.

    Heads begin near zero, where an int8 range collapses and the engine computes in floating point: they get
    weights of the size that training gives them.
    """
    from torch import nn

    from models.engines.exported import load_exported
    from models.quantisation import quantise

    for layer in network.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
    crops = np.random.default_rng(0).integers(0, 256, (8, *network.description.input_size, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        return load_exported(quantise(network, crops, Path(folder) / "int8.xml")[0])


def _engines(network: PoseNetwork) -> dict[str, Run]:
    """Label → what runs a batch of crops, those that are installed here."""
    engines: dict[str, Run] = {EAGER: _eager(network)}
    precisions = ["fp32", *(["bf16"] if cpu_has_bf16() else [])]
    wanted = [("torch", p) for p in precisions] + [("openvino", p) for p in precisions] + [("onnx", "fp32")]
    for engine, precision in wanted:
        try:
            engines[f"{engine} {precision}"] = create_engine(network, engine, "cpu", precision)
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
    try:
        engines["openvino int8"] = quantised(network)
    except InputError as error:
        print(f"left out: {error}", file=sys.stderr)
    return engines


def _eager(network: PoseNetwork) -> Run:
    """The naive way: the network as it is, float32, each crop normalised in NumPy."""
    import torch

    mean, std = (np.array(v, np.float32) for v in (network.description.mean, network.description.std))

    def run(crops: NDArray[np.uint8]) -> object:
        rgb = (crops[..., ::-1].astype(np.float32) - mean) / std
        with torch.inference_mode():
            return network(torch.from_numpy(np.ascontiguousarray(rgb.transpose(0, 3, 1, 2)))).numpy()

    return run


def _measure(engines: dict[str, Run], size: tuple[int, int], batch: int, rounds: int) -> dict[str, float]:
    """Label → median seconds a batch; every round times each engine once, in turn.

    A call that is not timed goes before: threads of the engine before it spin on and hold the cores.
    """
    crops = np.random.default_rng(0).integers(0, 256, (batch, *size, 3), np.uint8)
    times: dict[str, list[float]] = {label: [] for label in engines}
    for _ in range(rounds):
        for label, run in engines.items():
            run(crops)
            began = time.perf_counter()
            run(crops)
            times[label].append(time.perf_counter() - began)
    return {label: median(seconds) for label, seconds in times.items()}


def _report(name: str, batch: int, seconds: dict[str, float]) -> None:
    cells = [f"{label} {batch / s:.1f} ({seconds[EAGER] / s:.2f}x)" for label, s in seconds.items()]
    print(f"{name}, batch {batch}, persons/s: " + ", ".join(cells), flush=True)


if __name__ == "__main__":
    sys.exit(exit_status(main))
