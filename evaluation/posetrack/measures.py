"""What the official program lacks, gathered: HOTA, IDF1, trajectories, figures by height and by crowding."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from evaluation.posetrack.breakdown import Part, by_crowding, by_height
from evaluation.posetrack.hota import THRESHOLDS, Hota, hota
from evaluation.posetrack.identity import Identity, Trajectories, identity, trajectories
from evaluation.posetrack.joints import COLUMNS, mean_known, table_row, with_mean
from evaluation.posetrack.scoring import PoseTrackResult

Table = tuple[str, tuple[str, ...], dict[str, dict[str, float]]]
"""Title, columns, and name of each row → its values."""

_TRAJECTORY_NAMES = {
    "count": "Trajectories",
    "mostly_tracked": "Mostly tracked",
    "mostly_lost": "Mostly lost",
    "fragments": "Fragments",
    "switches": "Switches",
}


@dataclass(frozen=True)
class Measures:
    """Measures of one result; those of tracks are None where tracking was not scored."""

    hota: Hota | None
    identity: Identity | None
    trajectories: Trajectories | None
    heights: tuple[Part, ...]
    crowding: tuple[Part, ...]

    def tables(self) -> list[Table]:
        """The measures as tables to print."""
        tables: list[Table] = []
        if self.hota and self.identity and self.trajectories:
            names = ("HOTA", "DetA", "DetRe", "DetPr", "AssA", "AssRe", "AssPr", "LocA")
            rows = {
                name: table_row(getattr(self.hota, part.name).mean(1))
                for name, part in zip(names, fields(self.hota), strict=True)
            }
            for part in fields(self.identity):
                rows[part.name.upper()] = table_row(getattr(self.identity, part.name))
            tables.append(("HOTA and identity", (*COLUMNS, "Total"), rows))
            totals: dict[str, float] = {
                name: int(getattr(self.trajectories, key).sum()) for key, name in _TRAJECTORY_NAMES.items()
            }
            tables.append(("Joint trajectories", tuple(totals), {"all joints": totals}))
        for title, parts in (("By person height in pixels", self.heights), ("By crowd index", self.crowding)):
            columns = ("People", "AP", "MOTA", "Prec", "Rec")
            tables.append((title, columns, {part.name: part.row() for part in parts}))
        return tables

    def to_json(self) -> dict[str, Any]:
        """The measures as plain lists and numbers: 15 joints in ``joint_order``, then their mean."""
        content: dict[str, Any] = {
            "by_height": {part.name: part.row() for part in self.heights},
            "by_crowding": {part.name: part.row() for part in self.crowding},
        }
        if self.hota and self.identity and self.trajectories:
            content["HOTA"] = {
                part.name: with_mean(getattr(self.hota, part.name).mean(1)) for part in fields(self.hota)
            } | {
                "thresholds": THRESHOLDS.tolist(),
                "hota_by_threshold": [mean_known(column) for column in self.hota.hota.T],
            }
            content["identity"] = {
                part.name: with_mean(getattr(self.identity, part.name)) for part in fields(self.identity)
            }
            content["trajectories"] = {
                part.name: getattr(self.trajectories, part.name).tolist()
                for part in fields(self.trajectories)
            }
        return content


def measure(result: PoseTrackResult) -> Measures:
    """Compute all of them."""
    tracked = result.matching is not None
    return Measures(
        hota=hota(result.pairs, result.frames) if tracked else None,
        identity=identity(result.pairs, result.frames) if tracked else None,
        trajectories=trajectories(result.matching, result.frames) if result.matching else None,
        heights=by_height(result),
        crowding=by_crowding(result),
    )
