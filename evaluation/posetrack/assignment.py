"""Best one-to-one assignments in many small groups at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

# Up to this many candidates a group is searched here; SciPy's solver takes longer to import than most files
# need in all, so it is loaded only for a larger group.
_SEARCHED = 10
_EQUAL = 1e-9

Indices = NDArray[np.int64]


def assign(
    groups: Indices,
    rows: Indices,
    columns: Indices,
    weights: NDArray[np.float64],
    settle: Callable[[Indices], Indices] | None = None,
) -> Indices:
    """In each group, the candidates with the greatest sum of weights that share neither row nor column.

    Where neither side has another candidate there is nothing to solve, which is nearly always.

    Args:
        groups: (E,) group of each candidate.
        rows, columns: (E,) what it joins; numbers are not shared between groups.
        weights: (E,) its value, positive.
        settle: solves a group in which several choices have the greatest sum, given its candidates; without
            it the earlier rows get the earlier columns. It is also asked where a group is large.

    Returns:
        Indices of the chosen candidates.
    """
    alone = _alone(rows) & _alone(columns)
    contested = np.flatnonzero(~alone)
    if not len(contested):
        return np.flatnonzero(alone)
    order = contested[np.lexsort((columns[contested], rows[contested], groups[contested]))]
    splits = np.flatnonzero(np.diff(groups[order])) + 1
    chosen = [np.flatnonzero(alone)]
    for part in np.split(order, splits):
        best, unique = (
            (None, False) if len(part) > _SEARCHED else _search(rows[part], columns[part], weights[part])
        )
        if settle and not unique:
            chosen.append(settle(part))
        elif best is None:
            chosen.append(part[_solve(rows[part], columns[part], weights[part])])
        else:
            chosen.append(part[best])
    return np.concatenate(chosen)


def _alone(keys: Indices) -> NDArray[np.bool_]:
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return counts[inverse.reshape(-1)] == 1


def _solve(rows: Indices, columns: Indices, weights: NDArray[np.float64]) -> Indices:
    """The best choice of a group of any size."""
    from scipy.optimize import linear_sum_assignment

    row_numbers, row = np.unique(rows, return_inverse=True)
    column_numbers, column = np.unique(columns, return_inverse=True)
    candidate = np.full((len(row_numbers), len(column_numbers)), -1)
    candidate[row, column] = np.arange(len(rows))
    value = np.zeros(candidate.shape)
    value[row, column] = weights
    chosen = candidate[linear_sum_assignment(value, maximize=True)]
    return chosen[chosen >= 0]


def _search(rows: Indices, columns: Indices, weights: NDArray[np.float64]) -> tuple[list[int], bool]:
    """The best choice of a small group by trying all, and whether it is the only one."""
    candidates = list(zip(rows.tolist(), columns.tolist(), weights.tolist(), strict=True))
    best, total_of_best, unique = list[int](), 0.0, True

    def extend(
        start: int, taken_rows: set[int], taken_columns: set[int], total: float, chosen: list[int]
    ) -> None:
        nonlocal best, total_of_best, unique
        if total > total_of_best + _EQUAL:
            best, total_of_best, unique = chosen, total, True
        elif chosen and total > total_of_best - _EQUAL:
            unique = False
        for i in range(start, len(candidates)):
            row, column, weight = candidates[i]
            if row not in taken_rows and column not in taken_columns:
                extend(i + 1, taken_rows | {row}, taken_columns | {column}, total + weight, [*chosen, i])

    extend(0, set(), set(), 0.0, [])
    return best, unique
