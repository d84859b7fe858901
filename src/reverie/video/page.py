"""A recognition study as one HTML file: accuracy, curves, masks as filmstrips, comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from reverie.plain_yaml import read_yaml
from reverie.report.page import Block, Facts, Figure, Prose, Section, write_page
from reverie.report.plots import Point, dot_plot, inline_svg, look
from reverie.video.claims import claim_rows, claims_table
from reverie.video.filmstrips import filmstrip_blocks
from reverie.video.recognition.config import RecognitionConfig
from reverie.video.study import VideoStudy
from reverie.video.summary import Row, Summary
from reverie.video.tables import accuracy_table, class_table, mask_table

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes


def write_study_page(study: VideoStudy, summary: Summary, command: str) -> Path:
    """Write the page of a study into its folder."""
    recipe = summary.recipe
    counts = {"set": len(recipe.sets), "network": len(recipe.networks), "training": len(summary.found)}
    facts = [*(f"{n} {word}{'s' * (n != 1)}" for word, n in counts.items()), "top-1 accuracy"]
    title = recipe.description.rstrip(".") or recipe.name
    opening = (Prose(sentences(summary), listed=True),)
    path = study.folder / "report.html"
    return write_page(path, title, sections(study, summary, command), kind="video", name=recipe.name, facts=facts, opening=opening)


def sections(study: VideoStudy, summary: Summary, command: str) -> list[Section]:
    """Return a study as sections of a page."""
    prose, recipe = read_yaml(Path(str(resources.files("reverie.video") / "page.yaml"))), summary.recipe
    views, masks = list(summary.views()), mask_table(summary)
    values: dict[str, Any] = {"command": command, "smoothing": recipe.training.label_smoothing, "ema": _decay(recipe.training)}
    blocks: dict[str, Sequence[Block]] = {
        "accuracy": [*(dots(summary, *view) for view in views), *(accuracy_table(summary, *view) for view in views)],
        "claims": [claims_table(summary)] if recipe.claims else [],
        "curves": [figure for view in views for figure in curves(summary, *view)],
        "pictures": filmstrip_blocks(study, summary),
        "masks": [] if masks is None else [masks],
        "classes": [class_table(summary, *view) for view in views],
    }
    shown = [
        Section(name, prose[name]["title"], found, prose[name]["note"].format(**values), prose[name]["short"])
        for name, found in blocks.items()
        if found
    ]
    facts = Facts([(name, said.format(**values)) for name, said in prose["reading"].items()])
    return [*shown, Section("reading", "How to read the numbers", [facts], short="Reading")]


def _decay(training: RecognitionConfig) -> str:
    """Return the decay of the running mean in words, as it acts within a training."""
    reached = training.decay_reached_after()
    if reached == 1:
        return f"decay {training.ema}"
    rule = "decay (1 + t) / (10 + t) in update t"
    if reached <= training.steps:
        return f"{rule}, and {training.ema} from update {reached:,} of {training.steps:,} on"
    last = (1 + training.steps) / (10 + training.steps)
    return f"{rule}, {last:.3f} at the end of {training.steps:,}; {training.ema} would be reached after {reached:,}"


def sentences(summary: Summary) -> list[str]:
    """Return what was found, in sentences: the comparisons, or the best row of each set and network where there are none."""
    found = []
    if summary.recipe.name.endswith("-smoke"):
        found.append("This is a smoke run: it shows that the study runs, and its numbers say nothing.")
    opening = len(found)
    for row in claim_rows(summary):
        if row["p_holm"] is None:
            continue
        better = "better than" if row["difference"] > 0 else "worse than"
        verdict = better if row["p_holm"] < 0.05 else "not shown to differ from"
        points, least = 100 * row["difference"], 100 * row["detectable"]
        ends = f"{points:+.1f} points; {least:.1f} could have been found"
        found.append(f"On {row['dataset']}, {row['first']} is {verdict} {row['other']} ({ends}).")
    if len(found) > opening:
        return found
    for clips, network in summary.views():
        rows = [Row(clips, network, method) for method in summary.methods(clips, network)]
        values = {row.method: fmean(summary.values(row)) for row in rows}
        best = [method for method, value in values.items() if value == max(values.values())]
        by = f"with {best[0]}" if len(best) == 1 else f"with {', '.join(best[:-1])} and {best[-1]} alike"
        found.append(f"On {clips}, {network} is right on {max(values.values()):.1%} of test clips at best, {by}.")
    return found


def dots(summary: Summary, clips: str, network: str) -> Figure:
    """Draw the accuracy of every method with its interval, mean weights and student beside each other."""
    groups: dict[str, list[Point]] = {"mean weights": [], "student": []}
    for name, weights in zip(groups, ("ema", "student"), strict=True):
        for at, method in enumerate(summary.methods(clips, network)):
            row = Row(clips, network, method, "ema" if weights == "ema" else "student")
            groups[name].append(Point(method, look(at), 0.0, fmean(summary.values(row)), summary.interval(row)))
    said = "; ".join(f"{point.label} {point.y:.3f}" for point in groups["mean weights"])
    alt = f"Accuracy of {network} on {clips} by method: {said}"
    return Figure(f"{network} on {clips}", "", dot_plot(groups, f"dots-{clips}-{network}", "accuracy", alt))


def curves(summary: Summary, clips: str, network: str) -> list[Figure]:
    """Draw validation accuracy of the mean weights over a training, mean over seeds and folds; longer trainings go on longer."""
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for method in summary.methods(clips, network):
        found = [one.curves for one in summary.trained(Row(clips, network, method)).values() if one.curves]
        if found:
            steps, valid = found[0]["step"], zip(*(one["valid_ema"] for one in found), strict=True)
            lines[method] = (list(steps), [fmean(values) for values in valid])
    if not lines:
        return []
    return [Figure(f"{network} on {clips}", "", _drawn(lines, clips, network))]


def _drawn(lines: dict[str, tuple[list[float], list[float]]], clips: str, network: str) -> Markup:
    def paint(axes: Axes) -> None:
        for at, (method, (steps, values)) in enumerate(lines.items()):
            shape = look(at)
            axes.plot(steps, values, color=shape.code, marker=shape.marker, markersize=4, linewidth=1.6, label=method)
        axes.set(xlabel="updates", ylabel="accuracy on validation")
        axes.locator_params(axis="x", integer=True)
        axes.legend(fontsize=7, ncols=2)

    ends = "; ".join(f"{method} {values[-1]:.3f}" for method, (_, values) in lines.items())
    return inline_svg(paint, f"curves-{clips}-{network}", f"Accuracy on validation of {network} on {clips} at the end: {ends}")
