"""`reverie export`: a trained model as files for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.new_items import Content, Items, extended
from reverie.cli.options import Json, console, print_json
from reverie.errors import ConfigError


def export(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a saved model.")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    kind: Annotated[str, typer.Option("--format", help="Of encoders: torch (a torch.export program) or onnx.")] = "torch",
    items: Items = None,
    content: Content = None,
    json: Json = False,
) -> None:
    """Write a model for other programs: an encoder and its item table, or a matrix of items by items, or both for a blend.

    Beside them stand the ids, a manifest, and a short reader that needs no Reverie. With --items there are also items that nobody
    has clicked yet, if the model knows items by their content.

    Example: reverie export runs/sasrec-ml-100k exported
    """
    from reverie.models import load_model
    from reverie.models.export import Format, export_model

    kinds: dict[str, Format] = {"torch": "torch", "onnx": "onnx"}
    if kind not in kinds:
        raise ConfigError(f"--format {kind} is not known; use torch or onnx")
    manifest = export_model(extended(load_model(run), items, content), out, kinds[kind])
    if json:
        print_json(manifest)
    else:
        kinds_of = {"encoder": "{dim} dimensions", "item-to-item": "{entries:,} pairs of items", "blend": "a blend of {names}"}
        names = ", ".join(f"{part['weight']:.3g} {part['model']}" for part in manifest.get("parts", ()))
        size = kinds_of[manifest["kind"]].format(**manifest, names=names)
        read = f"histories of at most {manifest['history']} events" if manifest["history"] is not None else "whole histories"
        console().print(f"{manifest['model']}: {manifest['n_items']:,} items, {size}, {read}", markup=False)
        console().print(f"wrote {out / 'manifest.json'}; {out / 'reader.py'} reads it without reverie", markup=False)
