"""`reverie video`: make folders of videos ready, and what else is done with clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Json, Quiet, console, print_json, say
from reverie.cli.studies import VIDEO_STUDY
from reverie.cli.video_embed import embed
from reverie.cli.video_mix import mix

app = typer.Typer(name="video", no_args_is_help=True, help="Videos: prepare clips, mix them, and learn from few of them.")
app.command()(embed)
app.command()(mix)
app.command("study")(VIDEO_STUDY.command())


@app.command()
def prepare(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of videos; labels are folders, a clips.csv, or as published.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where prepared clips go; by default clips/<folder>-<size>px.")] = None,
    layout: Annotated[
        str, typer.Option("--layout", help="auto, folders, clips.csv, ucf101, hmdb51, ssv2 or diving48: how labels are found.")
    ] = "auto",
    split: Annotated[int, typer.Option("--split", min=1, max=3, help="Which published split of UCF101 and HMDB51.")] = 1,
    size: Annotated[
        int, typer.Option("--size", min=8, max=1024, help="Side of the square frames in pixels; training crops from them.")
    ] = 80,
    frames: Annotated[
        int, typer.Option("--frames", min=0, max=100_000, help="Frames kept of a clip, evenly over its time; 0 keeps all.")
    ] = 32,
    audio: Annotated[bool, typer.Option("--audio", help="Keep the sound, too, as log-mel bands.")] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=1, max=64, help="Threads; one a processor, at most four.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Decode a folder of videos into small frames in plain arrays; the same command goes on where it was cut.

    Files that are broken, hold sound only or no frame are listed in skipped.csv and left out.

    Example: reverie video prepare my-clips --size 80
    """
    from reverie.video.prepare import prepare_folder
    from reverie.video.preparing.options import PrepareOptions
    from reverie.video.preparing.summary import as_json, notes, tables

    options = PrepareOptions(layout=layout, split=split, size=size, frames=frames, audio=audio)
    place = out or Path("clips") / f"{folder.resolve().name}-{size}px"
    silent = quiet or json
    found = prepare_folder(
        folder, place, options, workers=workers, show=not silent, say=(lambda line: None) if silent else say
    )  # fmt: skip
    if json:
        print_json(as_json(found))
        return
    for table in tables(found):
        table.print(console(quiet))
    for line in notes(found):
        console(quiet).print(line)
