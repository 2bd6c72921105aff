"""What the server and the page say to each other, as JSON over a WebSocket.

From the server::

    {"type": "hello",  "camera": "0", "keypoints": ["nose", …], "limbs": [[0, 1], …],
                       "joint_threshold": 0.4, "model": {"name", "engine", "detector", …}}
    {"type": "frame",  "number": 12,                counts the results; the picture of the same number fits
                       "frame": 14, "time": 0.466,  position in the source, seconds
                       "width", "height",           pixels that the coordinates refer to
                       "captured", "ready",         seconds of the server's clock (see ping)
                       "rate": 29.9,                frames a second tracked
                       "detected": true,            whether the detector looked at this frame
                       "choice": {"detect_every", "max_crops", "fast"},
                       "stages": {"flow": 1.2, …},  milliseconds
                       "dark": false,               whether the picture is nearly black
                       "people": [{"id", "score", "box", "keypoints", "colour": "#rrggbb"}]}
                                                    as in the JSON result file
    {"type": "status", "state": "live|waiting|ended|closed", "message", "retry_in": seconds,
                       "rate": 30.0,                pictures a second that the camera gives
                       "frames", "tracked",         pictures that came, pictures that were tracked
                       "viewers", "recording": {"frames"} or null, "saved": [file names], "note"}
    {"type": "pong",   "sent": as in the ping, "now": seconds of the server's clock}

From the page::

    {"type": "ping",   "sent": any number}
    {"type": "record", "on": true, "boxes": false, "ids": true, "trails": false}
"""

from __future__ import annotations

import time
from typing import Any

import orjson

from tracker.assembly import model_facts
from tracker.draw import DrawOptions, id_colour
from tracker.live.session import LiveResult, LiveSession
from tracker.pipeline import PoseTracker
from tracker.results.json_file import frame_record
from tracker.types import FrameResult


def hello(camera: str, tracker: PoseTracker) -> dict[str, Any]:
    """Facts that stay the same."""
    keypoints = tracker.pose.description.keypoints
    return {
        "type": "hello",
        "camera": camera,
        "keypoints": keypoints.names,
        "limbs": keypoints.limb_index.tolist(),
        "joint_threshold": tracker.options.joint_threshold,
        "model": model_facts(tracker),
    }


def people_message(result: FrameResult) -> dict[str, Any]:
    """Who is where in a frame, with colours."""
    record = frame_record(result)
    for person in record["people"]:
        person["colour"] = hex_colour(person["id"])
    height, width = result.frame.image.shape[:2]
    stages = {name: round(1000 * seconds, 2) for name, seconds in result.seconds.items()}
    return {"type": "frame", "width": width, "height": height, "stages": stages, **record}


def frame_message(live: LiveResult) -> dict[str, Any]:
    """One tracked frame of a session."""
    return {
        **people_message(live.result),
        "number": live.number,
        "captured": live.captured,
        "ready": live.ready,
        "rate": round(live.rate, 2),
        "detected": live.result.detected,
        "choice": vars(live.choice),
        "dark": live.dark,
    }


def status_message(session: LiveSession, viewers: int) -> dict[str, Any]:
    """How the camera and the recording are."""
    status, recording, latest = session.status, session.recording, session.latest
    failure = session.failure
    return {
        "type": "status",
        "state": "closed" if failure else status.state,
        "message": f"tracking failed: {failure}" if failure else status.message,
        "retry_in": max(0.0, round(status.retry - time.monotonic(), 1)) if status.state == "waiting" else 0.0,
        "rate": round(status.rate, 2),
        "frames": status.frames,
        "tracked": latest.number if latest else 0,
        "viewers": viewers,
        "recording": {"frames": recording.frames} if recording else None,
        "saved": [path.name for path in session.saved],
        "note": session.note,
    }


def draw_options(message: dict[str, Any], joint_threshold: float) -> DrawOptions:
    """What a viewer wants to see in a recording."""
    switches = {name: message.get(name) is True for name in ("boxes", "ids", "trails")}
    return DrawOptions(joint_threshold=joint_threshold, **switches)


def hex_colour(track_id: int) -> str:
    """The person's colour as in the drawn video, for a page."""
    blue, green, red = id_colour(track_id)
    return f"#{red:02x}{green:02x}{blue:02x}"


def encode(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()
