"""The state of a run: everything that it needs to go on as if it had never stopped."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.checkpoint_files import save_torch
from models.errors import InputError
from models.pose_network import PoseNetwork
from training.recipe import Recipe
from training.recipe_files import build_recipe

LAST, BEST = "last.pth", "best.pth"


@dataclass
class RunState:
    """What changes while a run goes on.

    Attributes:
        network: being trained.
        average: the moving average of its weights, which is validated and exported; or the network itself.
        optimiser: with its moments.
        scaler: of the gradients, for fp16.
        done: samples seen.
        figures: of the best validation so far; its first one is the best value.
    """

    network: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    done: int = 0
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def best(self) -> float:
        return next(iter(self.figures.values()), float("-inf"))

    def save(self, path: Path, recipe: Recipe) -> None:
        """Write a checkpoint whole or not at all; raises InputError where it cannot be written."""
        content: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": _random_state(),
            "done": self.done,
            "figures": self.figures,
            "recipe": asdict(recipe),
        }
        if isinstance(self.average, PoseNetwork):
            content["description"] = self.average.description.to_json()
        try:
            save_torch(content, path)
        except InputError as error:
            raise InputError(
                f"{error}; the checkpoint before it is untouched: make room and go on with --resume"
            ) from None

    def restore(self, path: Path, device: torch.device) -> None:
        """Take up a checkpoint; raises InputError where it is damaged or of another network."""
        content = read_checkpoint(path, device)
        try:
            self.network.load_state_dict(content["network"])
            self.average.load_state_dict(content["average"])
            self.optimiser.load_state_dict(content["optimiser"])
            self.scaler.load_state_dict(content["scaler"])
            self.done, self.figures = content["done"], content["figures"]
            _set_random_state(content["random"])
        except (KeyError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise InputError(
                f"'{path}' does not fit the recipe's network ({reason}): resume with the recipe that it was "
                "trained by, or start anew with --init"
            ) from None


def read_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """The content of a run's checkpoint; raises InputError for any other file."""
    if not path.is_file():
        raise InputError(f"no checkpoint '{path}'")
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # torch.load raises many kinds; each means the same to the user
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"'{path}' is damaged or no checkpoint: {reason}") from None
    if not isinstance(content, dict) or not {"network", "average", "optimiser", "done"} <= content.keys():
        raise InputError(f"'{path}' is no checkpoint of a training run; start from weights alone with --init")
    return content


def recipe_of(content: dict[str, Any], path: Path) -> Recipe:
    """The recipe that a checkpoint was trained by."""
    if "recipe" not in content:
        raise InputError(f"'{path}' does not say by which recipe it was trained: give it with --recipe")
    return build_recipe(content["recipe"])


def _random_state() -> dict[str, Any]:
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def _set_random_state(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["cpu"].cpu())
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([s.cpu() for s in state["cuda"]])
