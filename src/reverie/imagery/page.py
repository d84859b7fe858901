"""Pages of pictures: one picture with the stages that led to it, and galleries of many; each is one file without scripts."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from reverie.documents import regular
from reverie.imagery.credits import all_credits
from reverie.imagery.imagined import LABEL, Imagined
from reverie.imagery.prompting import form_words
from reverie.imagery.summary_lines import not_drawn
from reverie.report.page import Block, Facts, Figure, Folded, Prose, Section, write_page
from reverie.report.table import Column, Table

PAGE = "page.html"
SMALL, LARGE = 320, 768
"""Pixels of pictures in a gallery, and of a single one."""


@dataclass(frozen=True)
class Shown:
    """A picture file with what led to it."""

    done: Imagined
    folder: Path


def write_picture_page(shown: Shown) -> Path:
    """Write the page of one picture into its folder."""
    done = shown.done
    blocks: list[Block] = [picture_figure(shown, LARGE)] if done.picture is not None else []
    sections = [Section("picture", "Picture", blocks)] if blocks else []
    sections += stage_sections(done)
    title = f"What {done.settings.concept} may look like"
    return write_page(
        shown.folder / PAGE,
        title,
        sections,
        kind="imagine",
        name=done.settings.concept,
        facts=facts_of(done),
        opening=[Prose([f"{LABEL}."])],
    )


def write_gallery(path: Path, title: str, rows: Sequence[tuple[str, Sequence[Shown]]], opening: Sequence[Block] = ()) -> Path:
    """Write pictures of many concepts as one page: a section a concept, its pictures beside each other, the stages folded below.

    Parameters
    ----------
    path : Path
    title : str
    rows : sequence of (str, sequence of Shown)
        Heading and pictures.
    opening : sequence of Block
    """
    sections = []
    for number, (heading, row) in enumerate(rows):
        blocks: list[Block] = [picture_figure(one, SMALL) for one in row if one.done.picture is not None]
        blocks += [Folded(f"How this came about: {_form_name(one.done)}", Together(stage_blocks(one.done))) for one in row]
        sections.append(
            Section(f"c{number}", heading, blocks, note=row[0].done.intent.sense.gloss if row and row[0].done.intent else "")
        )
    credits = dict.fromkeys(
        f"{one.what}, {one.author}, {one.licence}" for _, row in rows for each in row for one in all_credits(each.done)
    )
    sections.append(
        Section(
            "credits", "Whose work is in these pictures", [Prose(list(credits) or ["Nobody else's."], listed=True)], short="Credits"
        )
    )
    return write_page(path, title, sections, kind="gallery", opening=[Prose([f"{LABEL}."]), *opening])


@dataclass(frozen=True)
class Together:
    """Several blocks as one."""

    blocks: Sequence[Block]

    def to_html(self, label: str = "") -> Markup:
        """Return the blocks one below the other."""
        return Markup("").join(block.to_html(label) for block in self.blocks)


def picture_figure(shown: Shown, size: int) -> Figure:
    """Return a picture as a figure that holds its file."""
    done, picture = shown.done, shown.done.picture
    if picture is None:
        raise ValueError("nothing was painted")
    left = not_drawn(done)
    note = ", ".join(one.phrase for one in done.objects.objects if one.phrase not in left) if done.objects is not None else ""
    note += f" (not drawn, as there is no icon: {', '.join(left)})" if left else ""
    return Figure(
        _form_name(done) or done.settings.concept, note, image(shown.folder / picture.png, size, f"{done.settings.concept}: {note}")
    )


def image(path: Path, size: int, words: str) -> Markup:
    """Return a PNG file as an element that holds it, scaled down where it is larger."""
    from PIL import Image

    data = regular(path).read_bytes()
    with Image.open(io.BytesIO(data)) as opened:
        if max(opened.size) > size:
            small, kept = opened.convert("RGB").resize((size, size), Image.Resampling.LANCZOS), io.BytesIO()
            small.save(kept, "WEBP", quality=88)
            data, kind = kept.getvalue(), "webp"
        else:
            kind = "png"
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    style = "display:block;width:100%;height:auto;border-radius:8px"
    return Markup(f'<img src="{source}" alt="{escape(words)}" width="{size}" height="{size}" style="{style}">')  # noqa: S704  # escaped


def stage_sections(done: Imagined) -> list[Section]:
    """Return each stage as a section."""
    names = {"intent": "What is meant", "objects": "What is shown", "form": "How it is shown", "prompt": "In words"}
    found = zip(names.items(), stage_blocks(done), strict=False)
    sections = [Section(stage, title, [block], short=stage.capitalize()) for (stage, title), block in found]
    credits = [f"{one.what}: {one.author}, {one.licence} {one.url}".strip() for one in all_credits(done)]
    return (
        [*sections, Section("credits", "Whose work this is", [Prose(credits, listed=True)], short="Credits")]
        if credits
        else sections
    )


def stage_blocks(done: Imagined) -> list[Block]:
    """Return each stage that is made as a block."""
    blocks: list[Block] = []
    if done.intent is not None:
        others = [(one.id, one.gloss) for one in done.intent.alternatives]
        blocks.append(Facts([(f"{done.intent.sense.id} (chosen by {done.intent.by})", done.intent.sense.gloss), *others]))
    if done.objects is not None:
        rows = [
            (one.phrase, one.relation or "given", one.source, one.icon or "", _number(one.concreteness))
            for one in done.objects.objects
        ]
        columns = ("object", "how it came from the concept", "source", "icon", Column("concreteness", align="right"))
        blocks.append(Table("", columns, rows, notes=(f"Ranked by {done.objects.ranked_by}.",)))
    if done.form is not None:
        found = [
            (slot, f"{text} ({one.source}, {one.extracted_by})") for one in done.form.patterns for slot, text in one.slots.items()
        ]
        blocks.append(Facts([(slot, text) for slot, text in found]))
    if done.prompt is not None:
        lost = f" A rewriting lost {', '.join(done.prompt.lost)}, so the template stands." if done.prompt.lost else ""
        by = f"Rewritten by {done.prompt.rewritten_by}." if done.prompt.rewritten_by else "Put together by a template."
        blocks.append(Facts([("prompt", done.prompt.text), ("not wanted", done.prompt.negative), ("how", by + lost)]))
    return blocks


def facts_of(done: Imagined) -> list[str]:
    """Return what stands above the headline."""
    found = [done.intent.sense.id] if done.intent is not None else []
    found += [done.picture.renderer] if done.picture is not None else ["no picture"]
    return [*found, f"seed {done.settings.seed}", done.settings.language_model or "no language model"]


def _form_name(done: Imagined) -> str:
    if done.form is None:
        return ""
    return ", ".join([done.form.slot("medium") or "", *form_words(done.form)][:3]).strip(", ")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
