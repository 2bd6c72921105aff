"""PoseTrack: reading, matching and scoring of tracked poses, in numpy alone.

``evaluate(gt, pred)`` scores two folders: `formats` reads sequences, `frames` pairs their frames, `pairs`
measures the distances of people, from which follow AP (`precision`) and MOTA (`clear_mot`); `table` prints.
"""

from evaluation.posetrack.scoring import PoseTrackResult, evaluate

__all__ = ["PoseTrackResult", "evaluate"]
