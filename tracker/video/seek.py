"""Where to jump to for a late start, without losing count of the frames."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

from tracker.video.source import Moment

# Codecs of which every packet is one picture: there frames can be counted without decoding them.
ONE_PICTURE_A_PACKET = {"h264", "hevc", "mpeg4", "mjpeg", "prores", "dnxhd", "ffv1", "vp9", "av1"}


def key_frame_before(path: str, stream: int, start: Moment, origin: Fraction) -> tuple[int, int] | None:
    """A key frame close before the start: its time stamp and its frame number.

    Reads packets without decoding them. None where frames cannot be counted so: then everything from the
    beginning has to be decoded.

    Args:
        path: of the file.
        stream: the video stream's position in it.
        start: the moment wanted.
        origin: seconds at which the container begins.
    """
    times: list[int] = []
    keys: list[int] = []
    with av.open(path) as container:
        video = container.streams[stream]
        if video.codec_context.codec.canonical_name not in ONE_PICTURE_A_PACKET or not video.time_base:
            return None
        for packet in container.demux(video):
            if packet.size == 0:  # the mark of the end
                continue
            if packet.pts is None or packet.is_discard:
                return None
            if packet.is_keyframe:
                if start.reached(len(times) - 1, packet.pts * video.time_base - origin):
                    break
                keys.append(packet.pts)
            times.append(packet.pts)
    order = np.unique(times)
    if len(order) != len(times):
        return None
    numbered = [(key, int(np.searchsorted(order, key))) for key in sorted(keys)]
    before = [(key, number) for key, number in numbered if start.frame is None or number <= start.frame]
    return before[-1] if before else None
