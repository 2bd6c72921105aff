"""One-to-one matching of earlier people (rows) and poses (columns) by similarity."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def greedy(similarity: NDArray, minimum: float) -> Pairs:
    """The highest similarity of all first, its row and column taken out, and so on (paper, algorithm 1).

    Args:
        similarity: (T, N).
        minimum: a pair below it is not made; neither is one of similarity 0.

    Returns:
        Rows and columns of the pairs, the most similar first. Of equal ones the first in reading order wins.
    """
    free_rows, free_columns = (np.ones(size, bool) for size in similarity.shape)
    rows, columns = np.nonzero((similarity >= minimum) & (similarity > 0))
    pairs = []
    for i in np.argsort(-similarity[rows, columns], kind="stable"):
        row, column = rows[i], columns[i]
        if free_rows[row] and free_columns[column]:
            free_rows[row] = free_columns[column] = False
            pairs.append((row, column))
    return _as_pairs(pairs)


def hungarian(similarity: NDArray, minimum: float) -> Pairs:
    """The pairs of the highest sum of similarities, pairs below the minimum left out (Kuhn 1955, by SciPy).

    Arguments and result as `greedy`.
    """
    from scipy.optimize import linear_sum_assignment

    allowed = np.where((similarity >= minimum) & (similarity > 0), similarity, 0)
    rows, columns = linear_sum_assignment(allowed, maximize=True)
    pairs = [(r, c) for r, c in zip(rows, columns, strict=True) if allowed[r, c] > 0]
    return _as_pairs(sorted(pairs, key=lambda pair: -allowed[pair]))


def _as_pairs(pairs: list[tuple[int, int]]) -> Pairs:
    table = np.array(pairs, np.intp).reshape(-1, 2)
    return table[:, 0], table[:, 1]


MATCHERS: dict[str, Callable[[NDArray, float], Pairs]] = {"greedy": greedy, "hungarian": hungarian}
