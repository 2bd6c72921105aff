"""PoseTrack: reading, matching and scoring of tracked poses, in numpy alone.

``evaluate(gt, pred)`` scores two folders; `evaluation.posetrack.table` prints and writes what it gives.
"""

from evaluation.posetrack.scoring import PoseTrackResult, evaluate

__all__ = ["PoseTrackResult", "evaluate"]
