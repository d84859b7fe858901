"""`reverie models`: what can be trained, and with which options."""

from __future__ import annotations

from typing import Annotated

import typer

from reverie.cli.options import Json, print_json, print_list


def models(
    name: Annotated[str | None, typer.Argument(help="Show the options of this model.")] = None,
    json: Json = False,
) -> None:
    """List the models, or the options of one.

    Example: reverie models sasrec
    """
    from reverie.models.shelf import MODELS

    if name is None:
        rows = {key: {"summary": entry.summary, "paper": entry.paper, "tags": sorted(entry.tags)} for key, entry in MODELS.items()}
        if json:
            print_json(rows)
            return
        print_list(("model", "what it is", "kind"), [(k, str(r["summary"]), ", ".join(r["tags"])) for k, r in rows.items()])
        return
    fields = MODELS.config(name).model_fields
    described = {
        key: {"default": field.get_default(call_default_factory=True), "description": " ".join((field.description or "").split())}
        for key, field in fields.items()
    }
    if json:
        print_json({k: {"default": _plain(d["default"]), "description": d["description"]} for k, d in described.items()})
        return
    print_list(("option", "default", "meaning"), [(k, str(_plain(d["default"])), d["description"]) for k, d in described.items()])


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump else value


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command()(models)
