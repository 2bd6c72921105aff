"""Best one-to-one assignments in many small groups at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Up to this many candidates a group is searched here; SciPy's solver takes longer to import than most files
# need in all, so it is loaded only for a larger one.
_SEARCHED = 10


def assign(
    groups: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> NDArray[np.int64]:
    """In each group, the candidates with the greatest sum of weights that share neither row nor column.

    Where neither side has another candidate there is nothing to solve, which is nearly always. Among equal
    sums the earlier rows get the earlier columns.

    Args:
        groups: (E,) group of each candidate.
        rows, columns: (E,) what it joins; numbers are not shared between groups.
        weights: (E,) its value, positive.

    Returns:
        Indices of the chosen candidates.
    """
    alone = _alone(rows) & _alone(columns)
    contested = np.flatnonzero(~alone)
    if not len(contested):
        return np.flatnonzero(alone)
    order = contested[np.lexsort((columns[contested], rows[contested], groups[contested]))]
    splits = np.flatnonzero(np.diff(groups[order])) + 1
    chosen = [part[_solve(rows[part], columns[part], weights[part])] for part in np.split(order, splits)]
    return np.concatenate([np.flatnonzero(alone), *chosen])


def _alone(keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[inverse.reshape(-1)] == 1


def _solve(
    rows: NDArray[np.int64], columns: NDArray[np.int64], weights: NDArray[np.float64]
) -> list[int] | NDArray[np.int64]:
    if len(rows) <= _SEARCHED:
        return _search(list(zip(rows.tolist(), columns.tolist(), weights.tolist(), strict=True)))
    from scipy.optimize import linear_sum_assignment

    row_numbers, row = np.unique(rows, return_inverse=True)
    column_numbers, column = np.unique(columns, return_inverse=True)
    candidate = np.full((len(row_numbers), len(column_numbers)), -1)
    candidate[row, column] = np.arange(len(rows))
    value = np.zeros(candidate.shape)
    value[row, column] = weights
    chosen = candidate[linear_sum_assignment(value, maximize=True)]
    return chosen[chosen >= 0]


def _search(candidates: list[tuple[int, int, float]]) -> list[int]:
    """Try every set of candidates, given as (row, column, weight), that shares no row and no column."""
    best: tuple[float, list[int]] = (0.0, [])

    def extend(
        start: int, taken_rows: set[int], taken_columns: set[int], total: float, chosen: list[int]
    ) -> None:
        nonlocal best
        if total > best[0]:
            best = (total, chosen)
        for i in range(start, len(candidates)):
            row, column, weight = candidates[i]
            if row not in taken_rows and column not in taken_columns:
                extend(i + 1, taken_rows | {row}, taken_columns | {column}, total + weight, [*chosen, i])

    extend(0, set(), set(), 0.0, [])
    return best[1]
