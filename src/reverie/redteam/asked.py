"""What the command line is asked to attack: a recipe, or a target of the user's own in the place of a recipe's."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from reverie.errors import ConfigError, nearest
from reverie.llm.config import DEFAULT, TINY
from reverie.redteam.defence_rows import defence_row
from reverie.redteam.models.config import QWEN
from reverie.redteam.recipe import RED_TEAM, RedTeamRecipe
from reverie.redteam.targets.config import Behaviour, TargetConfig
from reverie.redteam.targets.create import target_config
from reverie.redteam.targets.possible import POSSIBLE
from reverie.settings import overridden

TEMPLATE = "redteam-demo"
"""Recipe whose goals, techniques and budgets a bare target is attacked with."""
OWN = "target"
"""Name of a bare target in tables."""


def asked_recipe(text: str, settings: Sequence[str] = (), smoke: bool = False, model: str | None = None) -> RedTeamRecipe:
    """Return the recipe of a name or a file, or the usual one for a bare target.

    Parameters
    ----------
    text : str
        Name of a packaged recipe, path of a YAML file, or a target, see `asked_target`.
    settings : sequence of str
        ``key=value`` with dotted keys.
    smoke : bool
        Whether to take the short form.
    model : str, optional
        Name of the model at an endpoint.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    if text in RED_TEAM.files() or text.endswith((".yaml", ".yml")):
        if model is not None:
            raise ConfigError(
                f"--model names a model of an address, and {text} is a recipe; set its own, e.g. --set targets.NAME.model.model=…"
            )
        return RED_TEAM.load(text, settings, smoke)
    target = asked_target(text, model)
    usual = RED_TEAM.load(TEMPLATE, (), smoke)
    values: dict[str, Any] = {**RED_TEAM.content(usual)} | {"name": _name(text, smoke), "description": f"Red team of {text}"}
    values["targets"] = {OWN: target}
    values["goals"] = values["goals"] | {"kinds": [one for one in usual.goals.kinds if one in POSSIBLE[target["kind"]]]}
    values["defences"] = _suited(values["defences"], target_config(target))
    kept = ("none", *values["defences"])
    sides = [(claim, [claim[side].partition("@")[2] or "none" for side in ("first", "other")]) for claim in values["claims"]]
    values["claims"] = [claim | {"targets": []} for claim, names in sides if all(name in kept for name in names)]
    for setting in settings:
        values = overridden(values, setting, RED_TEAM.example)
    return RED_TEAM.parse(values, text)


def asked_target(text: str, model: str | None = None) -> dict[str, Any]:
    """Return options of a target: an address of OpenAI's kind, a run folder, a language model's folder or name, or a control."""
    if text.startswith(("http://", "https://")):
        if model is None:
            raise ConfigError(f"say which model {text} should answer with: --model NAME")
        return {"kind": "chat", "model": {"kind": "openai", "url": text, "model": model}}
    if model is not None:
        raise ConfigError(f"--model names a model of an endpoint, and '{text}' is no address that begins with http:// or https://")
    if (kind := _kind_of_run(Path(text))) is not None:
        return {"kind": kind, "run": text}
    if (Path(text) / "recipe.yaml").is_file():
        raise ConfigError(
            f"{text} is a run folder, but no finished one of 'reverie collm' or 'reverie interpret'; only those can be attacked"
        )
    known = (DEFAULT, QWEN, TINY, *get_args(Behaviour))
    if text and Path(text).is_dir() and not (Path(text) / "config.json").is_file():
        raise ConfigError(f"the folder {text} holds no language model (no config.json); give one that save_pretrained wrote")
    if not text or (text not in known and "/" not in text and not Path(text).exists()):
        near = nearest(text, (*RED_TEAM.files(), *known))
        raise ConfigError(
            f"'{text}' is no recipe and no target{near}; 'reverie redteam run --list' names recipes, and a target is a folder, an "
            f"address or one of {', '.join(known)}"
        )
    found: TargetConfig = target_config(text, text)
    return found.model_dump(mode="json")


def _name(text: str, smoke: bool) -> str:
    """Return a name for the study of a bare target, which also names its folder."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-.")[-60:].lstrip("-._+")
    return f"redteam-{plain or OWN}" + "-smoke" * smoke


def _suited(rows: dict[str, dict[str, Any]], config: TargetConfig) -> dict[str, dict[str, Any]]:
    """Return the defences that suit a target."""
    found = {}
    for name, row in rows.items():
        with contextlib.suppress(ConfigError):
            defence_row(row["kind"], row["set"], name).check(config, name, OWN)
            found[name] = row | {"targets": []}
    return found


def _kind_of_run(folder: Path) -> str | None:
    """Return the kind of target that the folder of a finished study holds."""
    from reverie.llm.collm.recipe import COLLM
    from reverie.llm.interpreter.recipe import INTERPRETER

    for kind, shelf in (("collm", COLLM), ("recinterpreter", INTERPRETER)):
        if (folder / shelf.file).is_file():
            with contextlib.suppress(ConfigError):
                shelf.load(str(folder / shelf.file))
                return kind
    return None
