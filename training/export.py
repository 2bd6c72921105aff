"""``python -m training export CHECKPOINT``: a run's averaged weights as a small file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.checkpoints import save_pose_network, save_weights
from models.command import Parser
from models.errors import InputError
from models.files import check_output
from models.pose_network import PoseNetwork
from training.checkpoint import read_checkpoint, recipe_of
from training.networks import build_network
from training.recipe_files import load_recipe


def export(checkpoint: Path, output: Path, name: str | None = None, recipe_name: str | None = None) -> int:
    """Write the averaged weights of a checkpoint as float16 safetensors.

    Args:
        checkpoint: of a training run, ``best.pth`` or ``last.pth``.
        output: the file to write, or to replace; its name ends in .safetensors.
        name: of the network, in its description; by default the file's.
        recipe_name: the recipe, where the checkpoint does not hold it.

    Returns:
        bytes written.

    Raises:
        InputError: the checkpoint is none, or does not fit its recipe.
    """
    if output.suffix != ".safetensors":
        raise InputError(f"'{output}': weights are written as .safetensors")
    content = read_checkpoint(checkpoint)
    recipe = load_recipe(recipe_name) if recipe_name else recipe_of(content, checkpoint)
    network = build_network(replace(recipe, network=replace(recipe.network, init=None)))
    try:
        network.load_state_dict(content["average"])
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"'{checkpoint}' does not fit the recipe {recipe.name}: {reason}") from None
    if isinstance(network, PoseNetwork):
        network.description = replace(network.description, name=name or output.stem)
        save_pose_network(network, output)
    else:
        save_weights(network, output)
    return output.stat().st_size


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = Parser(prog="python -m training export", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="best.pth or last.pth of a run")
    parser.add_argument("--output", type=Path, required=True, help="file to write, .safetensors")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that exists")
    parser.add_argument("--name", help="the network's name in its description (default: the file's)")
    parser.add_argument("--recipe", help="its recipe, for checkpoints that do not hold it")
    args = parser.parse_args(arguments)
    check_output(args.output, args.overwrite)
    size = export(args.checkpoint, args.output, args.name, args.recipe)
    print(f"{args.output}: {size / 1e6:.1f} MB")
    return 0
