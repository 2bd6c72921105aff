"""A self-contained HTML page of headings, tables, charts and pictures, which opens without a network.

page = Page("COCO keypoints", "pose_resnet_50, 256×192")
page.heading("Results")
page.table(["AP", "AR"], {"ours": {"AP": 71.3, "AR": 76.9}})
page.lines("Precision over recall", {"nose": (recall, precision)}, x="Recall", y="Precision")
page.bars("AP of each sequence", {"000001": 71.3, "000002": 60.2})
page.picture(image, "the worst frame")
page.write(Path("report"))           # report/index.html
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.files import write_whole

# Okabe and Ito's colours, which people with any colour vision can tell apart; the last follows the text.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "currentColor")
_DASHES = ("", "6 3", "2 3")

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } .subtitle { color: GrayText; margin-top: 0; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
thead th { border-bottom: 1px solid currentColor; }
tbody tr:nth-child(even) { background: color-mix(in srgb, currentColor 6%, transparent); }
.wide { overflow-x: auto; } figure { margin: 1rem 0; } figcaption { color: GrayText; }
figure img { max-width: 100%; height: auto; } svg { max-width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.grid { stroke: color-mix(in srgb, currentColor 15%, transparent); }
"""


class Page:
    """The page under construction; every method adds to its end."""

    def __init__(self, title: str, subtitle: str = "") -> None:
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>", f'<p class="subtitle">{escape(subtitle)}</p>']

    def heading(self, text: str) -> None:
        """A section's title."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        """A paragraph."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def table(self, columns: Sequence[str], rows: Mapping[str, Mapping[str, float | int | str]]) -> None:
        """A table: name of each row → column → value. Fractions are shown with one decimal, NaN as a dash."""
        head = "".join(f"<th>{escape(name)}</th>" for name in ("", *columns))
        body = "\n".join(
            f"<tr><td>{escape(name)}</td>"
            + "".join(f"<td>{escape(format_cell(row.get(column)))}</td>" for column in columns)
            + "</tr>"
            for name, row in rows.items()
        )
        self._parts.append(
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'
        )

    def lines(
        self,
        title: str,
        series: Mapping[str, tuple[ArrayLike, ArrayLike]],
        *,
        x: str,
        y: str,
        x_range: tuple[float, float] | None = None,
        y_range: tuple[float, float] | None = None,
    ) -> None:
        """A chart of lines: name → (x values, y values); the ranges are those of the values unless given."""
        self.figure(title, _line_chart(series, x, y, x_range, y_range))

    def bars(
        self, title: str, values: Mapping[str, float], *, limits: tuple[float, float] | None = None
    ) -> None:
        """A chart of horizontal bars, from 0 to the right or, if negative, to the left."""
        self.figure(title, _bar_chart(values, limits))

    def figure(self, title: str, svg: str) -> None:
        """Any SVG with a caption."""
        self._parts.append(f"<figure><figcaption>{escape(title)}</figcaption>\n{svg}</figure>")

    def picture(self, image: NDArray[np.uint8], caption: str, *, quality: int = 80) -> None:
        """An (H, W, 3) BGR picture, kept in the page as JPEG."""
        import cv2

        data = b64encode(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        ).decode()
        self._parts.append(
            f'<figure><img alt="{escape(caption)}" src="data:image/jpeg;base64,{data}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )

    def html(self) -> str:
        """The whole page."""
        body = "\n".join(self._parts)
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self._title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
        )

    def write(self, folder: Path) -> Path:
        """Write ``index.html`` into a folder, which is made if need be, and give its path."""
        path = folder / "index.html"
        write_whole(path, self.html().encode())
        return path


def format_cell(value: float | int | str | None) -> str:
    """A table's cell: fractions with one decimal, counts and words as they are, a dash for NaN."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _line_chart(
    series: Mapping[str, tuple[ArrayLike, ArrayLike]],
    x_label: str,
    y_label: str,
    x_range: tuple[float, float] | None,
    y_range: tuple[float, float] | None,
) -> str:
    width, height, left, bottom, right = 560, 340, 56, 44, 190
    curves = {name: (np.asarray(x, float), np.asarray(y, float)) for name, (x, y) in series.items()}
    x_low, x_high = x_range or _span(np.concatenate([x for x, _ in curves.values()] or [np.zeros(0)]))
    y_low, y_high = y_range or _span(np.concatenate([y for _, y in curves.values()] or [np.zeros(0)]))

    def across(values: ArrayLike) -> NDArray[np.float64]:
        return left + (np.asarray(values) - x_low) / (x_high - x_low) * (width - left - 10)

    def up(values: ArrayLike) -> NDArray[np.float64]:
        return height - bottom - (np.asarray(values) - y_low) / (y_high - y_low) * (height - bottom - 10)

    parts = []
    for tick in ticks(x_low, x_high):
        at = across(tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="10" y2="{height - bottom}"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - bottom + 16}" text-anchor="middle">{tick:g}</text>')
    for tick in ticks(y_low, y_high):
        at = up(tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{width - 10}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts.append(
        f'<text x="{(left + width) / 2}" y="{height - 6}" text-anchor="middle">{escape(x_label)}</text>'
    )
    middle = (height - bottom) / 2
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">'
        f"{escape(y_label)}</text>"
    )
    for number, (name, (x, y)) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        dash = _DASHES[number // len(COLOURS) % len(_DASHES)]
        style = f'fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"'
        points = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in zip(across(x), up(y), strict=True) if a == a and b == b
        )
        parts.append(f'<polyline points="{points}" {style}/>')
        line = 20 + 18 * number
        parts.append(f'<line x1="{width + 10}" x2="{width + 34}" y1="{line - 4}" y2="{line - 4}" {style}/>')
        parts.append(f'<text x="{width + 40}" y="{line}">{escape(name)}</text>')
    tall = max(height, 30 + 18 * len(curves))
    return _svg(width + right, tall, parts)


def _bar_chart(values: Mapping[str, float], limits: tuple[float, float] | None) -> str:
    known = np.array([v for v in values.values() if v == v] or [0.0])
    low, high = limits or _span(np.append(known, 0.0))
    step, left, width = 22, 12 + 7 * max((len(name) for name in values), default=0), 700

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left - 60)

    parts = []
    for tick in ticks(low, high):
        at = across(tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="0" y2="{step * len(values)}"/>')
        parts.append(f'<text x="{at:.1f}" y="{step * len(values) + 14}" text-anchor="middle">{tick:g}</text>')
    for number, (name, value) in enumerate(values.items()):
        top = step * number
        parts.append(f'<text x="{left - 6}" y="{top + 15}" text-anchor="end">{escape(name)}</text>')
        if value == value:
            begin, end = sorted((across(max(low, 0.0)), across(min(max(value, low), high))))
            colour = COLOURS[0] if value >= 0 else COLOURS[1]
            size = f'x="{begin:.1f}" y="{top + 3}" width="{end - begin:.1f}" height="{step - 6}"'
            parts.append(f'<rect {size} fill="{colour}"><title>{escape(name)}: {value:g}</title></rect>')
        else:
            end = across(max(low, 0.0))
        parts.append(f'<text x="{end + 4:.1f}" y="{top + 15}">{format_cell(float(value))}</text>')
    return _svg(width, step * len(values) + 22, parts)


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n' + "\n".join(parts) + "\n</svg>"


def _span(values: NDArray[np.float64]) -> tuple[float, float]:
    """Smallest and largest finite value, kept apart."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def ticks(low: float, high: float, wanted: int = 6) -> list[float]:
    """Round numbers in a range, about as many as wanted."""
    rough = (high - low) / wanted
    power = 10.0 ** np.floor(np.log10(rough))
    step = min((f * power for f in (1, 2, 5, 10)), key=lambda size: abs(np.log(size / rough)))
    first = np.ceil(low / step - 1e-9)
    return [float(round(n * step, 10)) + 0.0 for n in np.arange(first, np.floor(high / step + 1e-9) + 1)]
