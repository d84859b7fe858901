"""`reverie models`, `reverie export`, `reverie doctor`: what can be trained, trained models as files, and this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reverie.cli.options import Json, console, print_json, print_list
from reverie.errors import ConfigError, ReverieError


def models(name: Annotated[str | None, typer.Argument(help="Show the options of this model.")] = None, json: Json = False) -> None:
    """List the models, or the options of one.

    Example: reverie models sasrec
    """
    from pydantic import BaseModel

    from reverie.models.shelf import MODELS

    if name is None:
        rows = {key: {"summary": entry.summary, "paper": entry.paper, "tags": sorted(entry.tags)} for key, entry in MODELS.items()}
        if json:
            print_json(rows)
            return
        print_list(("model", "what it is", "kind"), [(k, str(r["summary"]), ", ".join(r["tags"])) for k, r in rows.items()])
        return
    described: dict[str, dict[str, Any]] = {}
    for key, field in MODELS.config(name).model_fields.items():
        default = field.get_default(call_default_factory=True)
        plain = default.model_dump(mode="json") if isinstance(default, BaseModel) else default
        described[key] = {"default": plain, "description": " ".join((field.description or "").split())}
    if json:
        print_json(described)
    else:
        print_list(("option", "default", "meaning"), [(k, str(d["default"]), d["description"]) for k, d in described.items()])


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


_EXTRAS = {"llm": ("transformers", "peft", "gguf"), "sweep": ("optuna",), "export": ("onnx", "onnxscript", "onnxruntime")}


def doctor(json: Json = False) -> None:
    """Check versions, devices, cache, free space and which extras are installed.

    Example: reverie doctor
    """
    import importlib.util
    import os
    import shutil

    from reverie.data.sources import list_datasets
    from reverie.files import atomic_path, cache_folder
    from reverie.study.environment import environment

    facts = environment()
    cache = cache_folder()
    try:
        with atomic_path(cache / "doctor") as temporary:
            temporary.write_text("ok", encoding="utf-8")
        (cache / "doctor").unlink()
        writable = "yes"
    except ReverieError as error:
        writable = f"no: {error}"
    facts |= {
        "cache": str(cache),
        "cache writable": writable,
        "free space": f"{shutil.disk_usage(cache if cache.exists() else cache.anchor).free / 2**30:.1f} GiB",
        "REVERIE_DATA": os.environ.get("REVERIE_DATA", "not set"),
        "datasets": len(list_datasets()),
        "extras": {
            name: "installed" if all(importlib.util.find_spec(p) for p in packages) else f"pip install 'reverie[{name}]'"
            for name, packages in _EXTRAS.items()
        },
    }
    if json:
        print_json(facts)
        return
    screen = console()
    for key, value in facts.items():
        if isinstance(value, dict):
            screen.print(f"{key}:", markup=False)
            for inner, text in value.items():
                screen.print(f"  {inner:<14} {text}", markup=False)
        else:
            screen.print(f"{key:<16} {value}", markup=False)
