"""What was imagined, in lines for a terminal."""

from __future__ import annotations

from reverie.imagery.imagined import Imagined
from reverie.imagery.records import STAGES, DepictedObject


def stage_lines(done: Imagined) -> list[str]:
    """Return a line or more for each stage that is made."""
    lines = []
    if done.intent is not None:
        lines.append(f"meant     {done.intent.concept}: {done.intent.sense.gloss} ({done.intent.sense.id}, by {done.intent.by})")
        if done.intent.alternatives:
            lines.append("          other senses: " + " · ".join(f"{one.id}: {one.gloss}" for one in done.intent.alternatives[:4]))
    if done.objects is not None:
        shown = [_object(one) for one in done.objects.objects]
        lines += [f"{'shown' if not at else '':<10}{text}" for at, text in enumerate(shown)]
    if done.form is not None:
        slots = [f"{slot}: {text}" for one in done.form.patterns for slot, text in one.slots.items()]
        lines.append("form      " + " · ".join(slots))
    if done.prompt is not None:
        lines.append("prompt    " + done.prompt.text)
        if done.prompt.lost:
            lines.append(f"          each rewriting lost something ({', '.join(done.prompt.lost)}), so the template stands")
    if edited := [stage for stage in STAGES[:-1] if done.is_edited(stage)]:
        lines.append(f"          edited by hand: {', '.join(edited)}")
    if done.picture is not None:
        lines.append(f"painted   by {done.picture.renderer}, seed {done.picture.seed}, sha256 {done.picture.sha256[:12]}")
        if left := not_drawn(done):
            lines.append(f"          not drawn, as there is no icon: {', '.join(left)}")
        lines += [f"credit    {one.what}: {one.author}, {one.licence} {one.url}".rstrip() for one in done.picture.credits]
    return lines


def not_drawn(done: Imagined) -> list[str]:
    """Return the objects that the renderer knows it left out; none where it cannot tell what it drew."""
    if done.picture is None or done.objects is None or done.picture.renderer != "collage":
        return []
    return [one.phrase for one in done.objects.objects if one.phrase not in done.picture.shown]


def _object(one: DepictedObject) -> str:
    """Return an object with how it came from the concept."""
    first = one.relation.partition("; ")[0]
    way = f" ({first})" if first else ""
    return f"{one.phrase}{way}"
