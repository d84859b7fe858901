"""The event log of a run folder: where it lies, and whether it is still what the run was made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reverie.data.dataset import Dataset
from reverie.data.readers import read_features, with_features
from reverie.data.rewards import with_rewards
from reverie.data.sources.load import list_datasets, open_dataset
from reverie.errors import ConfigError, RunError
from reverie.files import read_json, write_json
from reverie.training.recipe import RECIPES, DatasetRecipe

FILE = "data.json"
"""Holds the absolute paths of log and catalogue and the SHA-256 of the events, from before the run begins."""
ANOTHER = "choose another folder with --out, or delete it"
ELSEWHERE = "give the log of then with --log, or train again in another folder"


def open_recipe_dataset(recipe: DatasetRecipe, offline: bool = False) -> Dataset:
    """Open the dataset that a recipe names, filtered as it says."""
    others = {"name", "rewards", "content", "sessions", "user_core", "item_core"}
    columns, rewards = recipe.model_dump(exclude=others, exclude_none=True), recipe.rewards
    if isinstance(rewards, str) and recipe.name not in list_datasets():
        columns["reward"], rewards = rewards, None
    dataset = open_dataset(recipe.name, offline=offline, **columns)
    if rewards is not None:
        dataset = with_rewards(dataset, rewards)
    if recipe.content:
        files = recipe.content.items()
        dataset = with_features(dataset, {n: one.file if one.ids is None else read_features(one.file, one.ids) for n, one in files})
    if recipe.sessions is not None:
        dataset = dataset.cut_sessions(recipe.sessions.gap_minutes)
    if recipe.user_core > 1 or recipe.item_core > 1:
        dataset = dataset.k_core(recipe.user_core, recipe.item_core)
    return dataset


def is_file(recipe: DatasetRecipe) -> bool:
    """Return whether a recipe names a file, which may change, and the file is there."""
    return recipe.name not in list_datasets() and Path(recipe.name).exists()


def keep_log(
    folder: Path, recipe: DatasetRecipe, sha256: str, write: bool = True, feedback: Mapping[str, str] | None = None
) -> None:
    """Write down which log a run folder is made from; a log, rewards or features that are not those of before are refused."""
    check_log(folder, recipe.name, sha256, ANOTHER)
    before = _read(folder / FILE)
    for name, digest in (feedback or {}).items():
        if before.get(name, digest) != digest:
            kinds = {"parts_sha256": "runs that are blended", "content_sha256": f"features of the items of {recipe.name}"}
            what = kinds.get(name, f"rewards of {recipe.name}")
            raise RunError(f"the {what} have changed since the run in {folder} was made from them; {ANOTHER}")
    known = kept_sha256(folder) or not (folder / "result.json").exists()
    if write and known and not (folder / FILE).exists():
        named = recipe.name in list_datasets()
        paths = {key: str(Path(path).absolute()) for key in ("name", "catalog") if (path := getattr(recipe, key)) and not named}
        kept = {key: path for key, path in paths.items() if path.encode(errors="replace").decode() == path}  # JSON is UTF-8
        write_json(folder / FILE, {"sha256": sha256, **(feedback or {}), **kept})


def check_log(folder: Path, name: str, sha256: str, remedy: str) -> None:
    """Refuse a log that is not the one that a run folder was made from."""
    if difference := _difference(folder, name, sha256):
        raise RunError(f"{difference}; {remedy}")


def _difference(folder: Path, name: str, sha256: str) -> str:
    before = kept_sha256(folder)
    if before in ("", sha256):
        return ""
    return f"{name} has changed since the run in {folder} was made from it (SHA-256 {before[:8]}… then, {sha256[:8]}… now)"


def kept_sha256(folder: Path) -> str:
    """Return the SHA-256 of the events that a run folder was made from; empty where that is not known."""
    kept = _read(folder / FILE)
    return kept.get("sha256") or _read(folder / "result.json").get("dataset_sha256", "")


def log_of(folder: Path) -> str:
    """Return the path or the name of the log that a run folder was made from; empty where that is not known."""
    if (path := _read(folder / FILE).get("name")) or not (folder / "recipe.yaml").is_file():
        return path or ""
    try:
        return RECIPES.load(str(folder / "recipe.yaml")).dataset.name
    except ConfigError:  # of another version
        return ""


def open_log(
    folder: Path,
    recipe: DatasetRecipe,
    log: Path | None = None,
    offline: bool = False,
    changed: Callable[[str], None] | None = None,
) -> Dataset:
    """Open the log of a run folder: where the user says it is now, else where it was, else under the path that was typed.

    Features of items are not read again: the model has its own.

    A log that is not the one of then is refused; with `changed`, that function is told, unless nobody said where the file is.
    """
    kept = _read(folder / FILE)
    now: dict[str, Any] = {"content": None} | {
        key: path for key in ("name", "catalog") if (path := kept.get(key)) and Path(path).exists()
    }
    if "catalog" not in now and recipe.catalog is not None and not Path(recipe.catalog).exists():
        now["catalog"] = None  # the model has its own titles
    if log is not None:
        now["name"] = str(log)
    elif "name" not in now and recipe.name not in list_datasets() and not Path(recipe.name).exists():
        raise RunError(f"the log of {folder} is not at {kept.get('name', recipe.name)}; say where it is now with --log")
    found = recipe.model_copy(update=now)
    dataset = open_recipe_dataset(found, offline)
    if difference := _difference(folder, found.name, dataset.sha256):
        if changed is None or "name" not in now:
            raise RunError(f"{difference}; {ELSEWHERE}")
        changed(difference)
    return dataset


def _read(path: Path) -> dict[str, str]:
    """Return the texts of a JSON file, nothing where it is missing; a record of the log holds nothing but texts."""
    found = read_json(path) if path.is_file() else {}
    kept = {key: text for key, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}
    if path.name == FILE and kept != found:
        odd = f" in '{next(key for key in found if key not in kept)}'" if isinstance(found, dict) else ""
        raise RunError(f"{path} is wrong{odd}; take it from a copy, or train again in another folder")
    return kept
