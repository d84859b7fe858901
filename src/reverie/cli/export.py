"""`reverie export`: a trained model as files for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Json, console, print_json
from reverie.errors import ConfigError


def export(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a saved model.")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    kind: Annotated[str, typer.Option("--format", help="torch (a torch.export program) or onnx.")] = "torch",
    json: Json = False,
) -> None:
    """Write the encoder of a vector model, its item table, ids and a manifest.

    Example: reverie export runs/sasrec-ml-100k exported
    """
    from reverie.models import load_model
    from reverie.models.export import Format, export_model

    kinds: dict[str, Format] = {"torch": "torch", "onnx": "onnx"}
    if kind not in kinds:
        raise ConfigError(f"--format {kind} is not known; use torch or onnx")
    manifest = export_model(load_model(run), out, kinds[kind])
    if json:
        print_json(manifest)
    else:
        size = f"{manifest['n_items']:,} items, {manifest['dim']} dimensions, histories of at most {manifest['history']} events"
        console().print(f"{manifest['model']}: {size}\nwrote {out / manifest['encoder']} and {out / 'manifest.json'}", markup=False)
