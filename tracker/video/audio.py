"""The source's sound, taken along into the overlay: copied where the container takes it, AAC otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av

from tracker.video.source import SourceInfo

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

# What players expect in an MP4; a Matroska file takes whatever FFmpeg allows in it.
_COPIED = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"},
    "mov": {"aac", "mp3", "ac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le"},
}


RUN_UP = Fraction(1, 4)  # seconds of sound before 0 that a coder may need to begin


class AudioCopy:
    """Reads the sound through its own handle and writes it in step with the pictures.

    Sound that cannot be read does not spoil the video: it is left out and `notes` says so.
    """

    def __init__(self, path: str, source: InputContainer, output: OutputContainer) -> None:
        self.notes: list[str] = []
        self._path = path
        self._source = source
        self._output = output
        self._tracks = {s.index: _Track(s, output) for s in source.streams.audio if s.codec_context}
        self._packets: Iterator[Packet] = iter(())
        self._waiting: Packet | None = None
        self._origin = Fraction(max(source.start_time or 0, 0), av.time_base)
        self._start = self._earliest = Fraction(0)

    @classmethod
    def of(cls, source: SourceInfo, output: OutputContainer) -> AudioCopy | None:
        """The sound of a source; None where it cannot be read a second time, as of a live stream."""
        if "://" in source.path:
            return None
        try:
            container = av.open(source.path)
        except (OSError, av.error.FFmpegError):
            return None
        return cls(source.path, container, output)

    def begin(self, start: Fraction) -> None:
        """Sound from this second of the source on becomes the output's beginning.

        Where nothing is cut the coder's run-up before 0 is kept, so that every sample stays as it was.
        """
        if start <= 0:
            self._earliest = -RUN_UP
        self._start = start
        if start > 0:
            self._source.seek(int((start + self._origin) * av.time_base))
        self._packets = self._source.demux([track.stream for track in self._tracks.values()])

    def copy_until(self, moment: Fraction | float) -> None:
        """Write everything that begins before this second of the output."""
        while (packet := self._next()) is not None:
            time = (packet.pts or 0) * packet.time_base - self._origin - self._start
            if time >= moment:
                self._waiting = packet
                return
            if time >= self._earliest:
                for out in self._converted(packet):
                    self._output.mux(out)

    def close(self) -> None:
        """Write what the encoders still hold and close the source."""
        try:
            for track in self._tracks.values():
                for packet in track.flush():
                    self._output.mux(packet)
        finally:
            self._source.close()

    def _next(self) -> Packet | None:
        if self._waiting is not None:
            packet, self._waiting = self._waiting, None
            return packet
        try:
            return next((packet for packet in self._packets if packet.pts is not None), None)
        except (OSError, av.error.FFmpegError) as error:
            self._note(error, "it ends early")
            self._packets = iter(())
            return None

    def _converted(self, packet: Packet) -> list[Packet]:
        shift = round((self._start + self._origin) / packet.time_base)
        try:
            return self._tracks[packet.stream.index].convert(packet, shift)
        except av.error.FFmpegError as error:
            self._note(error, "parts of it are left out")
            return []

    def _note(self, error: OSError | av.error.FFmpegError, what: str) -> None:
        note = f"the sound of '{self._path}' is damaged ({error.strerror}): {what}"
        if note not in self.notes:
            self.notes.append(note)


class _Track:
    """One audio track on its way: its packets as they are, or decoded and encoded anew."""

    def __init__(self, stream: AudioStream, output: OutputContainer) -> None:
        self.stream = stream
        codec = stream.codec_context.codec.canonical_name
        self._copied = codec in _COPIED.get(output.format.name, output.supported_codecs)
        self._out: AudioStream
        if self._copied:
            self._out = output.add_stream_from_template(stream)
        else:
            rates = av.codec.Codec("aac", "w").audio_rates or []
            rate = stream.rate if stream.rate in rates else 48000
            self._out = output.add_stream(
                "aac", rate=rate, layout="mono" if stream.channels == 1 else "stereo"
            )

    def convert(self, packet: Packet, shift: int) -> list[Packet]:
        """Packets for the output, moved back by `shift` ticks of the packet's time base."""
        if self._copied:
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = self._out
            return [packet]
        packets = []
        for frame in cast("list[AudioFrame]", packet.decode()):
            if frame.pts is not None:
                frame.pts -= shift
            packets += self._out.encode(frame)
        return packets

    def flush(self) -> list[Packet]:
        """What the encoder still holds."""
        return [] if self._copied else self._out.encode(None)
