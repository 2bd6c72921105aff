"""One-to-one matching: hand-computed cases, and what both ways must have in common."""

import numpy as np
import pytest

from tracker.matching import MATCHERS, greedy, hungarian


def pairs(result: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, int]]:
    return list(zip(*(part.tolist() for part in result), strict=True))


@pytest.mark.parametrize(
    ("similarity", "minimum", "by_greed", "by_sum"),
    [
        # greed takes 0.9 and leaves 0.1 (below the minimum); the best sum takes 0.8 + 0.7
        ([[0.9, 0.8], [0.7, 0.1]], 0.2, [(0, 0)], [(0, 1), (1, 0)]),
        ([[0.9, 0.8], [0.7, 0.1]], 0.0, [(0, 0), (1, 1)], [(0, 1), (1, 0)]),
        # the highest of all goes first, wherever it stands
        ([[0.5, 0.6], [0.4, 0.9]], 0.2, [(1, 1), (0, 0)], [(1, 1), (0, 0)]),
        # more poses than people, and the other way round
        ([[0.3, 0.5, 0.4]], 0.2, [(0, 1)], [(0, 1)]),
        ([[0.3], [0.5], [0.4]], 0.2, [(1, 0)], [(1, 0)]),
        # equal to the minimum is enough, below is not
        ([[0.2]], 0.2, [(0, 0)], [(0, 0)]),
        ([[0.19]], 0.2, [], []),
        # nothing in common is no pair, even without a minimum
        ([[0.0, 0.0], [0.0, 0.3]], 0.0, [(1, 1)], [(1, 1)]),
        # ties go to the first in reading order
        ([[0.5, 0.5], [0.5, 0.5]], 0.2, [(0, 0), (1, 1)], [(0, 0), (1, 1)]),
    ],
)
def test_by_hand(similarity: list, minimum: float, by_greed: list, by_sum: list) -> None:
    table = np.array(similarity)
    assert pairs(greedy(table, minimum)) == by_greed
    assert pairs(hungarian(table, minimum)) == by_sum


@pytest.mark.parametrize("name", MATCHERS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1), (6, 4), (4, 6)])
def test_every_row_and_column_once(name: str, shape: tuple[int, int]) -> None:
    similarity = np.random.default_rng(3).random(shape)
    rows, columns = MATCHERS[name](similarity, 0.4)
    assert len(set(rows.tolist())) == len(rows) == len(columns) == len(set(columns.tolist()))
    values = similarity[rows, columns]
    assert (values >= 0.4).all()
    assert (np.diff(values) <= 0).all()


def test_the_best_sum_is_never_below_greed() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        similarity = rng.random((5, 6))
        greedy_sum, best_sum = (similarity[match(similarity, 0.0)].sum() for match in (greedy, hungarian))
        assert best_sum >= greedy_sum - 1e-12
