"""Films for slides and papers: a path there and back as its GIF has it, and a surface turned once, as MP4 (H.264)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np

from ..errors import UsageError, required_for
from ..geometry.mesh import surface_of
from ..latent.paths import METHODS
from .figures import SLATE
from .film import drawn_turn, film_strip
from .gif import frames_of, there_and_back
from .table import NetworkSubject, PathSubject

ENCODER: Final = "libx264"
"""the one that PyAV brings; builds of a distribution may lack it"""
QUALITY = "14"
"""of x264: 0 is lossless, 23 its usual value; low, as flat colours and thin lines show every fault"""
REPEATABLE = "mbtree=0"
"""of x264: its macroblock tree writes other bytes for the same frames now and then, with one thread too"""
BT_709, LIMITED, SRGB = 1, 1, 13
"""how the file says that its colours are to be read, in the numbers of H.273"""
TURN_FRAMES, TURN_FPS, TURN_SIZE = 60, 20, 400
"""of a surface turned once: frames, frames per second, pixels along a side"""


def write_mp4(subject: PathSubject) -> bytes:
    """The frames of the path's GIF, at exactly the rate that was asked for.

    Raises:
        MissingPackage: PyAV, Pillow, or what draws this kind of network, is not installed.
        UsageError: this PyAV cannot write H.264.
    """
    _check_encoder()
    return encoded([np.asarray(frame) for frame in there_and_back(frames_of(subject))], subject.fps)


def write_turntable(subject: NetworkSubject) -> bytes:
    """The surface of a network turned once about the vertical axis; NoSurface if it has none, else as `write_mp4`."""
    _check_encoder()
    with required_for("a picture of a surface"):
        mesh = subject.shown or surface_of(subject.network, subject.resolution).mesh
    method = METHODS.get(subject.about.get("method", ""))
    pictures = drawn_turn(mesh, method.look.colour if method else SLATE, TURN_FRAMES, TURN_SIZE)
    return encoded([film_strip([picture], TURN_SIZE)[..., :3] for picture in pictures], TURN_FPS)


def encoded(frames: Sequence[np.ndarray], fps: int) -> bytes:
    """Encode frames (H, W, 3) uint8 as an MP4 file of len(frames) / fps seconds, equal byte for byte if made again.

    H.264 takes even sizes: the last row or column is repeated if need be.
    """
    import av

    height, width, _ = frames[0].shape
    buffer = io.BytesIO()
    # an edit list counts in the film's scale: in usual milliseconds it would cut a part of the last frame off
    container = {"fflags": "+bitexact", "movie_timescale": str(600 * fps)}
    with av.open(buffer, "w", format="mp4", options=container) as film:
        options = {"crf": QUALITY, "preset": "medium", "x264-params": REPEATABLE}
        stream = film.add_stream(ENCODER, rate=fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.thread_count = 1  # the bytes depend on it
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = (
            BT_709, LIMITED, BT_709, SRGB,
        )  # fmt: skip
        for pixels in frames:
            even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            film.mux(stream.encode(av.VideoFrame.from_ndarray(even, "rgb24").reformat(
                format="yuv420p", dst_colorspace=BT_709, dst_color_range=LIMITED
            )))  # fmt: skip
        film.mux(stream.encode())
    return buffer.getvalue()


def _check_encoder() -> None:
    """Raise MissingPackage or UsageError before anything is drawn if there is nothing to encode with."""
    with required_for("an MP4"):
        import av
    if ENCODER not in av.codecs_available:
        raise UsageError(
            f"an MP4 needs the H.264 encoder {ENCODER}, which this build of PyAV lacks; the one on PyPI has it"
        )
