"""The page of a study of the pixel model: steps against quality, guidance, and pictures to look at."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reverie.imagery.pixels.cells import NetworkCell, QualityCell, Trained
from reverie.imagery.pixels.config import DrawingConfig
from reverie.imagery.pixels.results import PARTS, Done, measured, measured_parts, quality_table, training_sentences
from reverie.imagery.pixels.saved import load_pixels
from reverie.imagery.renderers.credits import LABEL
from reverie.report.page import Block, Figure, Prose, Section
from reverie.report.plots import inline_svg, look

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from reverie.imagery.pixels.recipe import QualityConfig

SHOWN = (
    "balance scale", "broken heart behind candle", "dove on a blue background", "castle on a pale background", "hourglass",
    "bird beside key", "ship on a teal background", "rose on a dark background", "lion openmoji", "lion noto", "lion twemoji",
    "mountain behind tree", "lighthouse on an orange background", "clock", "crown on a purple background", "bridge at night",
)  # fmt: skip
"""Captions of the pictures on the page."""
CELL, COLUMNS = 84, 4


def steps_figure(done: Done, quality: QualityConfig) -> Figure:
    """Draw the Fréchet distance over the number of steps, a line for each sampler, beside that of real pictures."""
    found = {cell: one.quality.frechet for cell, one in measured(done).items() if cell.part == "train"}
    lines = {
        name: sorted(
            (cell.steps, value) for cell, value in found.items() if (cell.sampler, cell.guidance) == (name, quality.guidance)
        )
        for name in ("ddim", "dpm-solver")
    }
    floor = found.get(QualityCell("train", "real"))

    def paint(axes: Axes) -> None:
        for position, (name, points) in enumerate(lines.items()):
            shape = look(position)
            axes.plot(*zip(*points, strict=True), color=shape.code, marker=shape.marker, linewidth=1.8, label=name)
        if floor is not None:
            axes.axhline(floor, color=look(2).code, linewidth=1.2, linestyle=(0, (4, 3)), label="real icons")
        axes.set(xlabel="steps", ylabel="Fréchet distance", xscale="log")
        ticks = sorted({steps for points in lines.values() for steps, _ in points})
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
        axes.minorticks_off()
        axes.legend()

    note = f"Lower is better; guidance w = {quality.guidance:g}. The dashed line is a second set of real pictures."
    return Figure("Steps against quality", note, inline_svg(paint, "steps", "Fréchet distance by number of steps"))


def picture_figure(done: Done) -> Figure | None:
    """Draw the captions that the page shows, where the network is there."""
    trained = done.get(NetworkCell())
    if not isinstance(trained, Trained) or not trained.folder:
        return None
    model, saved = load_pixels(trained.folder)
    drawn = model.draw(SHOWN, range(len(SHOWN)), DrawingConfig()).permute(0, 2, 3, 1).numpy()
    credit = "; ".join(f"{one.what}, {one.author}, {one.licence}" for one in saved.credits)
    return Figure("Drawn by the model, not chosen", f"Learned from: {credit}.", _sheet(drawn, SHOWN))


def _sheet(pictures: NDArray[np.uint8], captions: Sequence[str]) -> Markup:
    """Return pictures in rows, each over its caption, as SVG; pictures [N, S, S, 3]."""
    from PIL import Image

    parts = []
    for number, (pixels, caption) in enumerate(zip(pictures, captions, strict=True)):
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        x, y = CELL * (number % COLUMNS), (CELL + 8) * (number // COLUMNS)
        code, words = base64.b64encode(out.getvalue()).decode(), escape(caption)
        place = f'x="{x + 2}" y="{y}" width="{CELL - 4}" height="{CELL - 4}"'
        parts.append(f'<image {place} style="image-rendering: pixelated" href="data:image/png;base64,{code}"/>')
        parts.append(
            f'<text x="{x + CELL // 2}" y="{y + CELL + 2}" text-anchor="middle" font-size="5" fill="var(--ink)">{words}</text>'
        )
    height = (CELL + 8) * -(-len(captions) // COLUMNS)
    said = escape(", ".join(captions))
    return Markup(f'<svg viewBox="0 0 {CELL * COLUMNS} {height}" role="img" aria-label="{said}">{"".join(parts)}</svg>')  # noqa: S704  # escaped


def sections(done: Done, quality: QualityConfig) -> list[Section]:
    """Return the sections of the page."""
    opening: Sequence[Block] = [Prose([*training_sentences(done), f"{LABEL[0].upper()}{LABEL[1:]}."])]
    pictures = picture_figure(done)
    drawn = [Section("pictures", "Pictures", [*opening, *([pictures] if pictures else [])])]
    curves = Section("steps", "How many steps", [steps_figure(done, quality), quality_table(done, "train")])
    rest = [
        Section(part, PARTS[part].capitalize(), [quality_table(done, part)]) for part in measured_parts(done) if part != "train"
    ]
    return [*drawn, curves, *rest]
