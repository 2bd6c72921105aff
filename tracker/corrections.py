"""Ids of a finished run put right by hand: rename, merge, split, swap, delete, and undo."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError
from tracker.results.reading import SavedRun

REMOVED = 0  # stands for the id of a person that was deleted


class Corrections:
    """The ids of a run's people, changed step by step.

    People of all frames lie one after the other; every correction works on all of them at once. A correction
    that would put two people of one id into a frame raises InputError and changes nothing.

    Args:
        run: whose ids are corrected; itself it stays as it is.

    Attributes:
        ids: (P,) the present ids, `REMOVED` for people that were deleted.
        texts: what was done, in words.
    """

    def __init__(self, run: SavedRun) -> None:
        people = [(at, person["id"]) for at, record in enumerate(run.frames) for person in record["people"]]
        table = np.array(people, np.int64).reshape(-1, 2)
        self.ids: NDArray[np.int64] = table[:, 1]
        self.texts: list[str] = []
        self._frames = table[:, 0]
        self._run = run
        self._before: list[NDArray[np.int64]] = []
        self._next = int(self.ids.max(initial=0)) + 1

    def rename(self, track_id: int, new: int) -> None:
        """Give a person another id, which nobody has."""
        self._known(track_id)
        if new < 1:
            raise InputError(f"wrong id {new}: ids are whole numbers from 1")
        if (self.ids == new).any():
            raise InputError(f"id {new} is taken: merge {track_id} and {new} if they are one person")
        self._change(np.where(self.ids == track_id, new, self.ids), f"rename {track_id} to {new}")

    def merge(self, track_id: int, other: int) -> None:
        """Make two ids one person, who keeps the first."""
        mine, theirs = self._known(track_id), self._known(other)
        if track_id == other:
            raise InputError(f"{track_id} is one person already")
        both = np.intersect1d(self._frames[mine], self._frames[theirs])
        if len(both):
            first = self._run.frames[both[0]]["frame"]
            raise InputError(
                f"{track_id} and {other} are both in {len(both)} frames, the first is {first}: split one "
                "there, or delete it"
            )
        self._change(np.where(theirs, track_id, self.ids), f"merge {other} into {track_id}")

    def split(self, track_id: int, frame: int) -> int:
        """Make a person another one from a frame on; gives the new id.

        Args:
            track_id: of the person.
            frame: its number in the video.
        """
        later = self._later(frame)
        mine = self._known(track_id)
        if not (mine & later).any() or not (mine & ~later).any():
            raise InputError(f"{track_id} is not on both sides of frame {frame}: there is nothing to split")
        new = self._next
        self._change(np.where(mine & later, new, self.ids), f"split {track_id} at frame {frame} into {new}")
        return new

    def swap(self, track_id: int, other: int, frame: int) -> None:
        """Exchange two people's ids from a frame on, where the tracker took one for the other."""
        later = self._later(frame)
        mine, theirs = self._known(track_id) & later, self._known(other) & later
        if not mine.any() and not theirs.any():
            raise InputError(f"neither {track_id} nor {other} is there from frame {frame} on")
        ids = np.where(mine, other, np.where(theirs, track_id, self.ids))
        self._change(ids, f"swap {track_id} and {other} from frame {frame}")

    def delete(self, track_id: int) -> None:
        """Remove somebody from every frame, as a statue that was taken for a person."""
        self._change(np.where(self._known(track_id), REMOVED, self.ids), f"delete {track_id}")

    def undo(self) -> None:
        """Take back the last correction; raises InputError where there is none."""
        if not self._before:
            raise InputError("there is no correction to take back")
        self.ids = self._before.pop()
        self.texts.pop()

    def by_frame(self) -> list[list[int]]:
        """The ids of each frame's people, in the order of the run's file."""
        ends = np.cumsum([len(record["people"]) for record in self._run.frames])
        return [part.tolist() for part in np.split(self.ids, ends[:-1])]

    def corrected(self) -> SavedRun:
        """The run with the corrections in it, which its head names."""
        frames = [
            {**record, "people": [{**p, "id": i} for p, i in zip(record["people"], ids, strict=True) if i]}
            for record, ids in zip(self._run.frames, self.by_frame(), strict=True)
        ]
        head: dict[str, Any] = {**self._run.head}
        head["corrections"] = [*head.get("corrections", ()), *self.texts]
        if "summary" in head:
            head["summary"] = {**head["summary"], "ids": len(np.unique(self.ids[self.ids != REMOVED]))}
        return SavedRun(head, frames)

    def _known(self, track_id: int) -> NDArray[np.bool_]:
        """(P,) where an id is; raises InputError where it is not."""
        mine = self.ids == track_id
        if track_id == REMOVED or not mine.any():
            raise InputError(f"there is no id {track_id}")
        return mine

    def _later(self, frame: int) -> NDArray[np.bool_]:
        """(P,) who is in a frame of this number or a later one."""
        numbers = np.array([record["frame"] for record in self._run.frames])
        return numbers[self._frames] >= frame

    def _change(self, ids: NDArray[np.int64], text: str) -> None:
        self._before.append(self.ids)
        self.ids = ids
        self.texts.append(text)
        self._next = max(self._next, int(ids.max(initial=0)) + 1)
