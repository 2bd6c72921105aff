"""Exported networks as engines: files of `models.export`, described by their metadata; no PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.description import PoseDescription
from models.engines import CompiledNetwork, Engine, Runner
from models.engines.choice import Choice, choose
from models.errors import InputError


def load_exported(
    path: Path, engine: str = "auto", device: str = "auto", precision: str = "auto", **changes: Any
) -> Engine:
    """A model file as an engine.

    Args:
        path: ``.onnx`` or ``.xml``, with uint8 crops in and heat maps out.
        engine: openvino (takes both) or onnx (takes ``.onnx``).
        **changes: fields of the description to set otherwise, such as ``decoding``.

    Raises InputError where the file is missing, damaged or of another kind.
    """
    if not path.is_file():
        raise InputError(f"no model file '{path}'")
    if engine == "torch" or (engine == "onnx" and path.suffix == ".xml"):
        raise InputError(f"engine '{engine}' does not run {path.suffix} files: choose openvino")
    if device not in ("auto", "cpu"):
        raise InputError(f"exported models run on the cpu, not on '{device}'")
    choice = choose("openvino" if engine == "auto" else engine, "cpu", precision)
    try:
        runner, description = _open(path, choice)
    except InputError:
        raise
    except Exception as error:  # the runtimes raise their own kinds, each with a long message
        raise InputError(f"'{path}' is damaged or not a model: {str(error).splitlines()[0]}") from None
    return Engine(CompiledNetwork(runner, choice), description.changed(path.name, **changes))


def _open(path: Path, choice: Choice) -> tuple[Runner, PoseDescription]:
    if choice.engine == "onnx":
        from models.engines.onnx_engine import ONNXNetwork

        network = ONNXNetwork(path)
        inputs = [i.name for i in network.session.get_inputs()]
        outputs = [o.name for o in network.session.get_outputs()]
        text = network.session.get_modelmeta().custom_metadata_map.get("description")
        return network, _checked(path, inputs, outputs, text)
    import openvino

    from models.engines.openvino_engine import OpenVINONetwork

    model = openvino.Core().read_model(path)
    inputs, outputs = (
        [next(iter(port.names), "") for port in ports] for ports in (model.inputs, model.outputs)
    )
    where = ["framework", "description"] if path.suffix == ".onnx" else ["description"]
    text = model.get_rt_info(where).astype(str) if model.has_rt_info(where) else None
    return OpenVINONetwork(path, choice.precision), _checked(path, inputs, outputs, text)


def _checked(path: Path, inputs: list[str], outputs: list[str], text: str | None) -> PoseDescription:
    if text is None:
        raise InputError(
            f"'{path}' has no description of a pose network: export it with python -m models export"
        )
    if inputs != ["crops"] or outputs != ["heatmaps"]:
        raise InputError(
            f"'{path}' takes {', '.join(inputs)} and gives {', '.join(outputs)}: "
            "export it with preprocessing and without decoding to use it here"
        )
    return PoseDescription.from_json(text)
