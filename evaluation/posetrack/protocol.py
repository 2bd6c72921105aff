"""The two ways to count: poseval's, comparable with published figures, and one without its quirks."""

from __future__ import annotations

from dataclasses import dataclass

from models.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """What is counted, one named switch for each habit of the official program (poseval).

    Attributes:
        name: ``"poseval"`` or ``"strict"``; printed with every table.
        drops_last_frame: the last evaluated frame of each sequence is left out of tracking; a sequence with
            a single one cannot be tracked at all.
        one_count_when_a_side_is_empty: in tracking, a frame where either side has nobody counts one object,
            one miss and one false positive a joint, whatever the real numbers.
        every_event_distance: MOTP adds the distance of every event row of motmetrics 1.4.0 (each eligible
            pair, each match again, transfers and migrations once more) instead of the matches' alone.
        absent_joint_is_zero: a joint that is never predicted has AP 0 even when it is never annotated.
        scores_in_any_order: equal scores keep the order that the sort leaves them in, so the curve depends
            on it; otherwise equal scores enter the curve together.
        only_frames_with_people: frames without an annotated person vanish with all their predictions;
            otherwise every frame that is labelled counts.
        official_files: frames pair by position, file names follow PoseTrack, categories hold one person with
            15 or 17 keypoints, track ids stay below 10,000, a file holds one sequence. Otherwise frames pair
            by id, names are free, and keypoints of another set are converted by name.
    """

    name: str
    drops_last_frame: bool
    one_count_when_a_side_is_empty: bool
    every_event_distance: bool
    absent_joint_is_zero: bool
    scores_in_any_order: bool
    only_frames_with_people: bool
    official_files: bool


POSEVAL = Protocol("poseval", *[True] * 7)
STRICT = Protocol("strict", *[False] * 7)
PROTOCOLS = {protocol.name: protocol for protocol in (POSEVAL, STRICT)}


def protocol_named(name: str) -> Protocol:
    """A protocol by name; raises InputError that lists the known ones."""
    if name not in PROTOCOLS:
        raise InputError(f"unknown protocol '{name}': choose from {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
