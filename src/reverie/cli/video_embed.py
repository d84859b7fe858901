"""`reverie video embed`: one vector for each clip."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Device, Json, Offline, Quiet, be_offline, console, print_json, say


def embed(
    clips: Annotated[str, typer.Argument(metavar="FOLDER|SET", help="A prepared folder, or a set by name: moving-shapes-100 …")],
    encoder: Annotated[
        str,
        typer.Option("--encoder", help="efficientnet-lite0, a trained network (FOLDER or STUDY:METHOD), or a Hugging Face folder."),
    ] = "efficientnet-lite0",
    out: Annotated[Path, typer.Option("--out", help="A .parquet or .npy file; a .json beside it tells what it is of.")] = Path(
        "features.parquet"
    ),
    frames: Annotated[
        int | None, typer.Option("--frames", min=1, max=512, help="Of a view; 8, or as a trained network learned.")
    ] = None,
    views: Annotated[int, typer.Option("--views", min=1, max=64, help="Of a clip, over its time; their vectors are averaged.")] = 1,
    size: Annotated[int, typer.Option("--size", min=8, max=1024, help="Side of the stored frames of a set that has a name.")] = 80,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Make one vector of each clip: the mean of an encoder's features. The same command goes on where it was cut.

    Examples: reverie video embed clips/my-clips-80px · reverie video embed moving-shapes-100 --encoder runs/video-demo:none
    """
    be_offline(offline)
    from reverie.training.optimiser import choose_device
    from reverie.video.embedding.encoders import find_encoder
    from reverie.video.embedding.opening import open_clips
    from reverie.video.embedding.run import EmbedOptions, embed_set

    silent = quiet or json
    tell = (lambda line: None) if silent else say
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        network = find_encoder(encoder, choose_device(device))
    for one in told:
        tell(str(one.message))
    opened = open_clips(clips, size, tell, not silent)
    found = embed_set(opened, network, out, EmbedOptions(frames=frames, views=views), show=not silent, say=tell)
    n, dim = found.vectors.shape
    if json:
        print_json({"out": str(found.out), "clips": n, "dim": dim, "fresh": found.fresh, **found.facts})
        return
    done = "made" if found.fresh else "there already"
    console(quiet).print(f"{n:,} vectors of {dim} numbers by {found.facts['encoder']}, {done}: {found.out}")
