"""`reverie video mix`: two clips mixed by a method, as a video and as a strip of frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.options import Json, Offline, Quiet, be_offline, console, print_json, say
from reverie.errors import ConfigError

if TYPE_CHECKING:
    from reverie.video.mix_files import MixedFiles


def mix(
    first: Annotated[Path, typer.Argument(metavar="A", help="A video file.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Another, of whatever size and length.")],
    out: Annotated[Path, typer.Option("--out", help="The mixed video; a strip of frames is written beside it as .png.")] = Path(
        "mixed.mp4"
    ),
    method: Annotated[
        str | None,
        typer.Option("--method", help="none, mixup, cutmix, videomix-tube, …, sv-mix; by default that of --network, or sv-mix."),
    ] = None,
    share: Annotated[float, typer.Option("--lambda", min=0, max=1, help="Share of A that the method is asked for.")] = 0.5,
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            help="Whose features are looked at: tsm, mvit … untrained, efficientnet-lite0, or a trained one: FOLDER, STUDY:METHOD.",
        ),
    ] = None,
    frames: Annotated[
        int | None, typer.Option("--frames", min=2, max=512, help="Spread over the whole of each; 16, or as the network learned.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", min=16, max=1024, help="Side in pixels; 128, or as the network learned.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn.")] = 0,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change an option of the method, e.g. --set switch=1 for masks over space.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Mix two videos as training does, to see what a method does: mixed frames, the mask, and the label.

    Examples: reverie video mix a.mp4 b.mp4 --method cutmix · reverie video mix a.mp4 b.mp4 --network runs/video-demo:sv-mix
    """
    be_offline(offline)
    if out.resolve() in (first.resolve(), second.resolve()):
        raise ConfigError(f"--out {out} is one of the videos to mix; choose another name")
    from reverie.settings import overridden
    from reverie.video.mix_files import mix_files, picture_of

    picture_of(out)
    options: dict[str, Any] = {}
    for setting in settings or ():
        options = overridden(options, setting, "switch=1")
    found = mix_files(first, second, method, share, network, frames, size, seed, options)
    picture = found.write(out)
    if json:
        print_json(_facts(found) | {"out": str(out), "strip": str(picture), "notes": list(found.notes)})
        return
    screen, facts = console(quiet), _facts(found)
    kind = f", mask {facts['module']}" if facts["module"] else ""
    screen.print(f"{first.name} + {second.name} → {out} · {found.method}{kind} · λ {found.asked:.3f}")
    area = "" if facts["area"] is None else f"{facts['area']:.1%} of what is seen is {second.name} · "
    screen.print(f"{area}label {facts['share']:.3f} {first.name} + {1 - facts['share']:.3f} {second.name}")
    screen.print(f"strip of frames: {picture}")
    for note in () if quiet else found.notes:
        say(note)


def _facts(found: MixedFiles) -> dict[str, Any]:
    """Return what is told of a mix as plain values."""
    own = found.mixed.own
    area = None if own is None else 1 - float(own[0].mean())
    facts = {"method": found.method, "module": found.module or None, "lambda": found.asked, "area": area}
    return facts | {"share": float(found.mixed.shares[0]), "fps": found.fps}
