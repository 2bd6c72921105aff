"""Recipes from YAML: the project's own by name, a user's by path, each perhaps as changes to another one.

The project's recipes lie in ``recipes/*.yaml``, one file a family: ``name: recipe``. A user's file holds one
recipe. Either may say ``base: NAME`` and then only what differs: keys are merged at every depth, lists are
replaced.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from models.errors import InputError
from training.recipe import Recipe

RECIPES = Path(__file__).parent / "recipes"

Values = dict[str, Any]


def load_recipe(name: str, settings: Iterable[str] = ()) -> Recipe:
    """Read a recipe by its name or by the path of a YAML file.

    Args:
        name: a name of `recipe_names()` or a path that ends in .yaml or .yml.
        settings: ``key=value`` changes, such as ``schedule.rate=1e-4``; values are YAML.

    Raises:
        InputError: unknown recipe or key (the nearest is named), wrong type of value, impossible size.
    """
    if name.endswith((".yaml", ".yml")):
        values = {"name": Path(name).stem, **_with_base(_read(Path(name)), name)}
    else:
        values = {"name": name, **_by_name(name)}
    for setting in settings:
        _change(values, setting)
    return build_recipe(values)


def build_recipe(values: Values) -> Recipe:
    """A recipe from plain values, as YAML or a checkpoint holds them; raises InputError as `load_recipe`."""
    return _build(Recipe, values, str(values.get("name", "recipe")))


def recipe_names() -> list[str]:
    """Names of the recipes that come with the project."""
    return sorted(name for name in _families() if not name.startswith("_"))


@cache
def _families() -> Values:
    recipes: Values = {}
    for path in sorted(RECIPES.glob("*.yaml")):
        recipes |= _read(path)
    return recipes


def _by_name(name: str, used: tuple[str, ...] = ()) -> Values:
    recipes = _families()
    if name in used:
        raise InputError(f"recipe '{name}' is its own base: {' → '.join((*used, name))}")
    if name not in recipes:
        raise InputError(
            f"no recipe '{name}'{_nearest(name, recipe_names())}: give a YAML file or choose from "
            f"{', '.join(recipe_names())}"
        )
    return _with_base(recipes[name], name, used)


def _with_base(values: Values, name: str, used: tuple[str, ...] = ()) -> Values:
    values = dict(values)
    base = values.pop("base", None)
    return _merge(_by_name(str(base), (*used, name)), values) if base else values


def _merge(base: Values, changes: Values) -> Values:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(merged.get(key), dict) and isinstance(value, dict)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _read(path: Path) -> Values:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read recipe '{path}': {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected keys and values, got {values!r}")
    return values


def _change(values: Values, setting: str) -> None:
    key, separator, text = setting.partition("=")
    if not separator:
        raise InputError(f"--set {setting}: expected key=value, such as schedule.rate=1e-4")
    *parents, last = key.split(".")
    place = values
    for parent in parents:
        inner = place.get(parent)
        place[parent] = dict(inner) if isinstance(inner, dict) else {}
        place = place[parent]
    try:
        place[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--set {setting}: {' '.join(str(error).split())}") from None
    if parents == ["schedule"] and last in ("samples", "epochs"):  # the length is given in one of the two
        place.pop({"samples": "epochs", "epochs": "samples"}[last], None)


def _build(kind: Any, values: Any, where: str) -> Any:
    """Fill a dataclass, a tuple or a plain type from YAML values; `where` names the place in messages."""
    if is_dataclass(kind):
        return _build_dataclass(kind, values, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if values is None else _build(arguments[0], values, where)
    if origin is typing.Literal:
        if values not in arguments:
            raise InputError(f"{where} is {values!r}: choose from {', '.join(arguments)}")
        return values
    if origin is tuple:
        if not isinstance(values, list | tuple):
            raise InputError(f"{where}: expected a list, got {values!r}")
        inner = arguments[:1] * len(values) if arguments[-1] is Ellipsis else arguments
        if len(inner) != len(values):
            raise InputError(f"{where}: expected {len(inner)} values, got {len(values)}")
        return tuple(
            _build(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(inner, values, strict=True))
        )
    return _build_plain(kind, values, where)


def _build_plain(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, str):  # YAML reads 1e-3 as text
        with suppress(ValueError):
            value = float(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        names = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
        raise InputError(f"{where}: expected {names[kind.__name__]}, got {value!r}")
    return value


def _build_dataclass(kind: Any, values: Any, where: str) -> Any:
    if not isinstance(values, dict):
        raise InputError(f"{where}: expected keys and values, got {values!r}")
    hints = typing.get_type_hints(kind)
    for key in values:
        if key not in hints:
            near = _nearest(str(key), hints)
            raise InputError(f"{where}: unknown key '{key}'{near}; known: {', '.join(hints)}")
    for item in fields(kind):
        if item.name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise InputError(f"{where}: the key '{item.name}' is missing")
    return kind(**{key: _build(hints[key], value, f"{where}.{key}") for key, value in values.items()})


def _nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    return f" (did you mean '{close[0]}'?)" if close else ""
