"""`reverie models`: what can be trained, and with which options."""

from typing import Annotated, Any

import typer

from reverie.cli.options import Json, print_json, print_list


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
