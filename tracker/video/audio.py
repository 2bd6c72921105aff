"""The source's sound, taken along into the overlay: copied where the container takes it, AAC otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, cast

import av

from tracker.video.source import SourceInfo

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet

# What players expect in an MP4; a Matroska file takes whatever FFmpeg allows in it. Not AC-3, nor the AAC of
# broadcasts: FFmpeg reads their packets as it writes an MP4, and gives the whole file up at a damaged one.
_COPIED = {
    "mp4": {"aac", "mp3", "alac", "flac", "opus"},
    "mov": {"aac", "mp3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le"},
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
                shift = round((self._start + self._origin) / packet.time_base)
                self._write(partial(self._tracks[packet.stream.index].convert, packet, shift))

    def close(self) -> None:
        """Write what the encoders still hold and close the source."""
        try:
            for track in self._tracks.values():
                self._write(track.flush)
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

    def _write(self, packets: Callable[[], list[Packet]]) -> None:
        try:
            self._output.mux(packets())
        except av.error.FFmpegError as error:  # that of a full disk comes again with the pictures
            self._note(error, "parts of it are left out")

    def _note(self, error: OSError | av.error.FFmpegError, what: str) -> None:
        if not any(note.endswith(what) for note in self.notes):
            self.notes.append(f"the sound of '{self._path}' is damaged ({error.strerror}): {what}")


class _Track:
    """One audio track on its way: its packets as they are, or decoded and encoded anew."""

    def __init__(self, stream: AudioStream, output: OutputContainer) -> None:
        self.stream = stream
        codec = stream.codec_context.codec.canonical_name
        self._copied = codec in _COPIED.get(output.format.name, output.supported_codecs)
        if codec == "aac" and not stream.codec_context.extradata:  # a broadcast's: each packet has a head
            self._copied = False
        self._setup: tuple[str, str, int] | None = None  # format, layout and rate that the resampler is for
        self._resampler = av.AudioResampler()
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
            packets += self._encoded(self._resampled(frame))
        return packets

    def flush(self) -> list[Packet]:
        """What the encoder still holds."""
        if self._copied:
            return []
        return self._encoded([*self._resampler.resample(None), None])

    def _resampled(self, frame: AudioFrame) -> list[AudioFrame]:
        """As the encoder wants it; a new resampler where the sound changes, say from stereo to 5.1."""
        setup = frame.format.name, frame.layout.name, frame.sample_rate
        if setup != self._setup:
            self._setup = setup
            self._resampler = av.AudioResampler(self._out.format, self._out.layout, self._out.rate)
        return self._resampler.resample(frame)

    def _encoded(self, frames: Iterable[AudioFrame | None]) -> list[Packet]:
        return [packet for frame in frames for packet in self._out.encode(frame)]
