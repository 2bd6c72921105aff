"""Which entry of which source comes when. Place n of a run is always the same, so a run resumes exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.errors import InputError


class Mix:
    """Sources mixed by weight: a round draws each entry of a source about as often as its weight says.

    Args:
        entries: of each source, what may be drawn.
        weights: of each source; 2 draws every entry twice a round, 0.5 a random half of them.
        seed: of the order.
    """

    def __init__(self, entries: Sequence[NDArray[np.intp]], weights: Sequence[float], seed: int = 0) -> None:
        self.entries, self.weights, self.seed = entries, weights, seed
        self._counts = [round(len(e) * w) for e, w in zip(entries, weights, strict=True)]
        if not sum(self._counts):
            raise InputError("the training data hold nothing to learn from: no labelled person in any source")
        self._round = -1
        self._order = np.zeros((0, 2), np.intp)

    def __len__(self) -> int:
        """Entries a round, which is an epoch."""
        return sum(self._counts)

    def draw(self, place: int) -> tuple[int, int]:
        """Source and entry at a place of the run, from 0."""
        number, within = divmod(place, len(self))
        if number != self._round:
            self._round, self._order = number, self._shuffled(number)
        source, entry = self._order[within]
        return int(source), int(entry)

    def _shuffled(self, number: int) -> NDArray[np.intp]:
        random = np.random.default_rng((self.seed, number))
        drawn = []
        for source, (entries, count) in enumerate(zip(self.entries, self._counts, strict=True)):
            if count:
                whole = np.tile(entries, count // len(entries))
                rest = random.permutation(entries)[: count % len(entries)]
                picked = np.concatenate((whole, rest))
                drawn.append(np.column_stack((np.full(len(picked), source), picked)))
        return random.permutation(np.concatenate(drawn))
