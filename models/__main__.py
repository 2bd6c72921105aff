"""The command line of networks and checkpoints: ``python -m models list|info|download|convert|export|…``."""

from __future__ import annotations

import argparse
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.command import Parser, positive
from models.console import table_console
from models.errors import InputError, exit_status
from models.files import check_output, write_json
from models.options import add_network_options, network_options

if TYPE_CHECKING:
    from models.description import PoseDescription
    from models.pose_network import PoseNetwork
    from models.zoo import ZooEntry

LAYOUTS = ("ours", "microsoft", "mmpose0", "mmpose1", "megengine")


def main(arguments: list[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = args.command
    return command(args)


def list_zoo(args: argparse.Namespace) -> int:
    """A table of the zoo."""
    from rich.table import Table

    from models import zoo

    words = [word.lower() for word in args.words]
    rows = [entry for entry in zoo.entries() if all(word in _searchable(entry) for word in words)]
    if not rows:
        raise InputError(f"nothing in the zoo matches '{' '.join(args.words)}'")
    speeds = _speeds(rows, args.measure)
    table = Table(title=f"{len(rows)} checkpoints", title_justify="left")
    for column in ("name", "source", "keypoints", "input"):
        table.add_column(column, overflow="fold")
    for column in ("M params", "GFLOPs", "persons/s"):
        table.add_column(column, justify="right")
    table.add_column("figures", overflow="fold")
    table.add_column("here")
    for entry in rows:
        size = "x".join(map(str, entry.input_size)) if entry.input_size else ""
        speed = speeds.get(_speed_key(entry))
        table.add_row(
            entry.name, entry.source, entry.keypoints, size, _number(entry.parameters), _number(entry.gmacs),
            f"{speed:.0f}" if speed else "–", _figures(entry), _whereabouts(entry),
        )  # fmt: skip
    console = table_console()
    console.print(table)
    console.print(
        "GFLOPs: multiply–adds. persons/s: measured here with --measure, batch 8, engine and precision auto. "
        "Figures are their publishers'.",
        style="dim",
    )
    return 0


def _searchable(entry: ZooEntry) -> str:
    return " ".join((entry.name, entry.source, entry.keypoints, *entry.aliases)).lower()


def _number(value: float | None) -> str:
    return f"{value:.1f}" if value is not None else ""


def _figures(entry: ZooEntry) -> str:
    if not entry.figures:
        return ""
    benchmark, figures = next(iter(entry.figures.items()))
    first = next((k for k in ("AP", "Mean", "Total", "Mean Acc") if k in figures), next(iter(figures)))
    return f"{first} {figures[first]:g} {benchmark}"


def _whereabouts(entry: ZooEntry) -> str:
    from models import zoo

    if entry.source == zoo.OURS:
        return "ships" if (zoo.WEIGHTS / entry.file).is_file() else "missing"
    if zoo.cached(entry).is_file():
        return "cached"
    return "by URL" if entry.url else "by hand"


def _speed_key(entry: ZooEntry) -> str:
    return f"{entry.architecture} {entry.input_size}"


def _speeds(rows: list[ZooEntry], measure: bool) -> dict[str, float]:
    """Persons a second by architecture and input size: measured earlier, or now where asked for."""
    import json

    from models.cache import cache_folder

    path = cache_folder() / "speeds.json"
    speeds: dict[str, float] = json.loads(path.read_text()) if path.is_file() else {}
    if measure:
        from models.architectures import ARCHITECTURES
        from models.speed import persons_per_second

        for entry in rows:
            if entry.architecture in ARCHITECTURES and entry.input_size and _speed_key(entry) not in speeds:
                speeds[_speed_key(entry)] = persons_per_second(entry.architecture, entry.input_size)
        write_json(path, speeds)
    return speeds


def info(args: argparse.Namespace) -> int:
    """What a checkpoint is and expects."""
    from rich.table import Table

    from models import zoo

    options = network_options(args)
    known = None if Path(args.network).is_file() else zoo.find(args.network)
    facts = _published(known) if known else []
    if known is None or (known.keypoints and _whereabouts(known) in ("cached", "ships")):
        facts += _found(_load(args))
    elif options:
        named = ", ".join(f"--{option.replace('_', '-')}" for option in options)
        raise InputError(
            f"{named}: no keypoint network '{known.name}' is here: download it or leave that out"
        )
    table = Table(show_header=False, box=None)
    for label, value in facts:
        table.add_row(label, value)
    table_console().print(table)
    return 0


def _published(entry: ZooEntry) -> list[tuple[str, str]]:
    """Label and text of what the zoo knows."""
    facts = [
        ("source", entry.source), ("file", entry.file), ("url", entry.url or entry.page),
        ("sha256", entry.sha256), ("note", entry.note),
    ]  # fmt: skip
    for benchmark, figures in entry.figures.items():
        facts.append((benchmark, ", ".join(f"{name} {value:g}" for name, value in figures.items())))
    return [(label, text) for label, text in facts if text]


def _found(network: PoseNetwork) -> list[tuple[str, str]]:
    """Label and text of what the network itself tells."""
    d = network.description
    parameters = sum(p.numel() for p in network.parameters())
    return [
        ("network", type(network).__name__), ("parameters", f"{parameters:,}"),
        ("keypoints", f"{len(d.keypoints)} ({d.keypoints.name}): {', '.join(d.keypoints.names)}"),
        ("input", "{}x{}".format(*d.input_size) + f" {d.colour.upper()}, mean {d.mean}, std {d.std}"),
        ("heat maps", "{}x{}".format(*d.heatmap_size) + f", peak {d.peak:g}, decoding {d.decoding}"),
        ("crop", f"box × {d.padding}, {_grid(d)}"),
    ]  # fmt: skip


def _grid(d: PoseDescription) -> str:
    return "UDP grid" if d.udp else "half-pixel grid" if d.half_pixel else "corner grid"


def download(args: argparse.Namespace) -> int:
    """Fetch checkpoints into the cache folder."""
    from models import zoo

    for name in args.names:
        print(f"{name}: {zoo.fetch(name)}")
    return 0


def convert(args: argparse.Namespace) -> int:
    """Write a checkpoint under another program's key names, or as our own safetensors."""
    from models.checkpoints import save_pose_network

    out, ours = args.output, args.output.suffix == ".safetensors"
    if not ours and out.suffix not in (".pth", ".pt"):
        raise InputError(
            f"cannot convert to '{out.name}': choose a name that ends in .safetensors, .pth or .pt; "
            "python -m models export writes models for other runtimes"
        )
    layout = args.layout or ("ours" if ours else "microsoft")
    if ours != (layout == "ours"):
        raise InputError(
            f"layout '{layout}' does not go with '{out.name}': ours ends in .safetensors, "
            "the others are PyTorch files and end in .pth or .pt"
        )
    check_output(out, args.overwrite)
    network = _load(args)
    if ours:
        save_pose_network(network, out, half=args.half)
    else:
        _save_state(network, out, layout, args.half)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    return 0


def _save_state(network: PoseNetwork, out: Path, layout: str, half: bool) -> None:
    from models.checkpoint_files import DESCRIPTION_KEY, save_torch
    from models.key_layouts import from_ours

    state = {k: v.half() if half and v.is_floating_point() else v for k, v in network.state_dict().items()}
    renamed: Any = OrderedDict(from_ours(state, layout))
    # where PyTorch keeps the versions of modules: a key of its own would be a weight too many elsewhere
    renamed._metadata = {DESCRIPTION_KEY: network.description.to_json()}
    if layout.startswith("mmpose"):
        renamed = {"meta": {"dataset_name": network.description.keypoints.name}, "state_dict": renamed}
    save_torch(renamed, out)


def export(args: argparse.Namespace) -> int:
    """Write a network for other programs, run it and compare."""
    from models.export import export as write
    from models.export import kind_of

    kind_of(args.output)
    check_output(args.output, args.overwrite)
    network, out = _load(args), args.output
    if args.decode and args.decoding is None:
        _decode_in_graph(network)
    result = write(network, out, args.preprocessing, args.decode, args.tolerance)
    for name, difference in result.differences.items():
        print(f"{name}: largest difference from PyTorch {difference:.2g}")
    print(f"{out}: {_size(out) / 1e6:.1f} MB")
    return 0


def _decode_in_graph(network: PoseNetwork) -> None:
    """Take the decoding 'quarter' where the network's own cannot go into the graph, and say so."""
    from models.export import IN_GRAPH_DECODINGS

    own = network.description.decoding
    if own not in IN_GRAPH_DECODINGS:
        network.description = replace(network.description, decoding="quarter")
        print(
            f"decoding '{own}' cannot go into the graph: 'quarter' does, which is less exact, for it moves "
            f"the maximum by a quarter of a cell where '{own}' refines it"
        )


def _size(path: Path) -> int:
    pieces = [path, *([path.with_suffix(".bin")] if path.suffix == ".xml" else [])]
    return sum(piece.stat().st_size for piece in pieces)


def quantize(args: argparse.Namespace) -> int:
    """Write an int8 OpenVINO model, calibrated on a folder of pictures of people."""
    from models.quantisation import check_suffix, crops_of_folder, quantise

    if args.output:
        check_suffix(args.output)
        check_output(args.output, args.overwrite)
    elif args.overwrite:
        raise InputError("--overwrite is for an output of your own: the cache's model is replaced anyway")
    network = _load(args)
    crops = crops_of_folder(args.images, network, args.limit)
    out, distance = quantise(network, crops, args.output)
    print(f"{out}: {_size(out) / 1e6:.1f} MB, calibrated on {len(crops)} pictures")
    print(f"peaks lie {distance:.3f} heat-map cells from float32's on average: evaluate before use")
    if not args.output:
        print("use it with --precision int8")
    return 0


def verify(args: argparse.Namespace) -> int:
    """Check hashes, keys and a forward pass of what is here."""
    from models import zoo

    for name in args.networks:
        if not Path(name).is_file():
            zoo.find(name)
    failures = 0
    for name in args.networks or [e.name for e in zoo.entries() if _whereabouts(e) in ("cached", "ships")]:
        try:
            print(f"ok      {name} (sha256 {_verified(name)[:16]}…)")
        except InputError as error:
            failures += 1
            print(f"FAILED  {name}: {error}")
    return 1 if failures else 0


def _verified(name: str) -> str:
    """The digest of a checkpoint, by name or file; raises InputError that says what is wrong with it."""
    import torch

    from models import zoo
    from models.checkpoints import load_pose_network
    from models.download import digest_of
    from models.person_detector import load_person_detector

    path = Path(name) if Path(name).is_file() else zoo.fetch(name)
    entry = zoo.by_file_name(path.name)
    digest = digest_of(path)
    if entry and not digest.startswith(entry.sha256):
        raise InputError(f"sha256 is {digest}, published {entry.sha256}")
    if entry and not entry.keypoints:
        if entry.source == zoo.OURS:
            load_person_detector(path)
        return digest
    network = load_pose_network(name)
    with torch.inference_mode():
        if not torch.isfinite(network(torch.zeros(1, 3, *network.description.input_size))).all():
            raise InputError("heat maps are not finite")
    return digest


def _load(args: argparse.Namespace) -> PoseNetwork:
    from models.checkpoints import load_pose_network

    return load_pose_network(args.network, **network_options(args))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m models", description="Keypoint networks, checkpoints and their deployment."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def add(name: str, command: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        about = (command.__doc__ or "").strip().rstrip(".")
        sub = commands.add_parser(name, help=about[0].lower() + about[1:], description=about + ".")
        sub.set_defaults(command=command)
        return sub

    sub = add("list", list_zoo)
    sub.add_argument("words", nargs="*", metavar="WORD", help="only entries with these words: mmpose coco")
    sub.add_argument("--measure", action="store_true", help="measure each architecture's speed here, once")
    sub = add("info", info)
    sub.add_argument("network", help="a name of the zoo or a checkpoint file")
    add_network_options(sub)
    sub = add("download", download)
    sub.add_argument("names", nargs="+", metavar="NAME", help="a name of the zoo")
    for name, command, text in (
        ("convert", convert, "checkpoint to write: .safetensors (ours), .pth or .pt"),
        ("export", export, "model to write: .onnx, .xml (OpenVINO) or .torchscript"),
        ("quantize", quantize, "OpenVINO model to write: .xml (default: the cache, for --precision int8)"),
    ):
        sub = add(name, command)
        sub.add_argument("network", help="a name of the zoo or a checkpoint file")
        sub.add_argument("output", type=Path, nargs="?" if name == "quantize" else None, help=text)
        sub.add_argument("--overwrite", action="store_true", help="replace a file that exists")
        add_network_options(sub)
        if name == "convert":
            about = "whose key names; microsoft: its first publication's (default: by the suffix)"
            sub.add_argument("--layout", choices=LAYOUTS, help=about)
            sub.add_argument("--half", action="store_true", help="store float16")
        elif name == "export":
            sub.add_argument(
                "--no-preprocessing", dest="preprocessing", action="store_false",
                help="take normalised float32 (N, 3, H, W) instead of uint8 BGR crops",
            )  # fmt: skip
            sub.add_argument("--decode", action="store_true", help="give keypoints, not heat maps")
            about = "largest difference from PyTorch, as a part of the largest value (default: 0.001)"
            sub.add_argument("--tolerance", type=float, default=1e-3, metavar="PART", help=about)
        else:
            sub.add_argument("--images", type=Path, required=True, help="folder of photographs of people")
            sub.add_argument("--limit", type=positive, default=300, help="at most so many (default: 300)")
    sub = add("verify", verify)
    sub.add_argument("networks", nargs="*", metavar="NETWORK", help="names or files (default: all here)")
    return parser


if __name__ == "__main__":
    sys.exit(exit_status(main))
