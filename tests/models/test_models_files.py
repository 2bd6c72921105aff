"""Files are whole or not there; an old one survives a failure; what cannot be written is told in one line."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from models.errors import InputError
from models.files import check_apart, check_output, make_folder, read_whole, whole_file, write_whole


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.json"
    with whole_file(path) as beside:
        beside.write_text("half")
        assert not path.exists()
        assert beside.name == path.name
    assert path.read_text() == "half"
    write_whole(path, b"whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_files_beside_come_along(tmp_path: Path) -> None:
    with whole_file(tmp_path / "m.xml") as beside:
        beside.write_text("model")
        beside.with_suffix(".bin").write_text("weights")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "m.xml": "model",
        "m.bin": "weights",
    }


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_alone(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(error), whole_file(path) as beside:  # noqa: PT012
        beside.write_text("new")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("whole")
    assert read_whole(tmp_path / "a") == b"whole"
    for name, reason in (("b", "No such file"), ("", "Is a directory"), ("n" * 300, "File name too long")):
        with pytest.raises(InputError, match=f"cannot read '.*{name}': {reason}"):
            read_whole(tmp_path / name)


def test_a_full_disk_is_one_line(tmp_path: Path, full_disk: Callable[[int], Any]) -> None:
    path = tmp_path / "a"
    write_whole(path, b"old")
    told = rf"^cannot write '{path}': File too large$"
    with full_disk(1000), pytest.raises(InputError, match=told):
        write_whole(path, b"new" * 1000)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("folder", "cannot write '.*folder': it is a folder; give a file's name"),
        ("there", "there' exists: add --overwrite to replace it, or give another name"),
        ("n" * 300, "cannot write '.*nnn': File name too long"),
        ("there/r", "cannot make the folder '.*there': File exists"),
        ("there/x/r", "cannot make the folder '.*there/x': Not a directory"),
    ],
)
def test_outputs_are_checked_first(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "there").write_text("")
    with pytest.raises(InputError, match=says):
        check_output(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "there"]


def test_a_check_makes_the_folder_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("old")
    check_output(tmp_path / "there", overwrite=True)
    assert (tmp_path / "there").read_text() == "old"
    check_output(tmp_path / "a" / "b" / "new")
    assert not list((tmp_path / "a" / "b").iterdir())
    make_folder(tmp_path / "a")


@pytest.mark.parametrize(
    ("outputs", "inputs", "says"),
    [
        (["in", "new"], ["other", "in"], "cannot write 'in': it is an input"),
        (["./folder/../in"], ["in"], "it is an input"),
        (["link"], ["in"], "'link': it is an input"),
        (["folder"], ["folder"], "it is an input"),
        (["folder", "folder/new"], ["in", "folder/in"], None),
        (["new", "folder/../new"], [], "two outputs would be 'folder/../new'"),
        (["new", "new2"], ["missing", "in"], None),
        (["missing"], ["missing"], "it is an input"),
    ],
)
def test_outputs_stay_apart(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    outputs: list[str],
    inputs: list[str],
    says: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("in").write_text("")
    Path("folder/in").write_text("")
    Path("link").symlink_to("in")
    with pytest.raises(InputError, match=says) if says else nullcontext():
        check_apart(map(Path, outputs), map(Path, inputs))
