"""Reader of a user's folder of SAP prompts (arXiv 2310.12505): its texts stay out of logs, reports and this repository."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import reverie
from reverie.documents import read_json
from reverie.errors import ConfigError, DataError, short

NAMES = ("generated_cases.json", "gpt_output.json")
"""Files of a category, the first that is there."""
KEYS = ("Attack Prompt", "Explanation")


@dataclass(frozen=True)
class SapPrompt:
    """One prompt of a user's set; its representation holds no text.

    Parameters
    ----------
    id : str
        Category, file order and the first digits of the text's SHA-256.
    category : str
        Name of the folder, whole.
    text, explanation : str
        Never shown; for targets only.
    """

    id: str
    category: str
    text: str = field(repr=False)
    explanation: str = field(repr=False, default="")


def read_sap(folder: str | Path) -> tuple[SapPrompt, ...]:
    """Read a folder that has one folder for each category, as in ``SAP5`` … ``SAP200``.

    A file is a list of mappings with ``Attack Prompt`` and ``Explanation``, or an older list of texts.

    Parameters
    ----------
    folder : path
        Outside of Reverie's own repository.

    Returns
    -------
    tuple of SapPrompt
        Categories in the order of their names.

    Raises
    ------
    ConfigError
        If the folder lies inside the repository, where it could be committed.
    DataError
        If it holds no set, or a file is not of either form. Messages name places, never texts.
    """
    folder = Path(folder)
    refuse_inside_repository(folder)
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; give the folder that holds one folder for each category")
    found: list[SapPrompt] = []
    for place in sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")):
        file = next((place / name for name in NAMES if (place / name).is_file()), None)
        if file is not None:
            refuse_inside_repository(file)
            found += _read(file, place.name)
    if not found:
        raise DataError(
            f"{folder} holds no prompts; each of its folders, one a category, should hold a list in {' or '.join(NAMES)}"
        )
    return tuple(found)


def refuse_inside_repository(path: Path) -> None:
    """Refuse a path of harmful texts inside Reverie's repository or package, links followed."""
    place = path.resolve()
    package = Path(reverie.__file__).resolve().parent
    homes = [package, *(one for one in (place, *place.parents) if _is_ours(one))]
    home = next((one for one in homes if place == one or one in place.parents), None)
    if home is not None:
        raise ConfigError(
            f"{path} lies inside {home}, from where harmful texts could be committed; move the set out of the repository"
        )


def _is_ours(folder: Path) -> bool:
    """Return whether a folder is the root of a copy of this repository."""
    try:
        text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    return re.search(r'^name\s*=\s*"reverie"\s*$', text, re.MULTILINE) is not None


def _read(file: Path, category: str) -> list[SapPrompt]:
    listed: Any = _json(file)
    if not isinstance(listed, list):
        raise DataError(f"{file} is no list of prompts; restore the file")
    made = []
    for at, one in enumerate(listed):
        texts = [one.get(key) for key in KEYS] if isinstance(one, dict) else [one, ""]
        if not isinstance(texts[0], str) or not texts[0].strip() or not isinstance(texts[1] or "", str):
            raise DataError(
                f"{file}: entry {at} is neither a text nor a mapping with '{KEYS[0]}' and '{KEYS[1]}'; restore the file"
            )
        digest = hashlib.sha256(texts[0].encode("utf-8", "surrogatepass")).hexdigest()
        made.append(SapPrompt(f"{category}/{at}/{digest[:12]}", category, texts[0], texts[1] or ""))
    return made


def _json(file: Path) -> Any:
    """Read JSON; what its parser says of a fault may quote the text, so only the place is told."""
    try:
        return read_json(file)
    except DataError as error:
        place = re.search(r"line \d+ column \d+", str(error))
        told = f"it is not valid JSON at {place[0]}" if place else short(str(error).split(" (")[0])
        raise DataError(f"{file}: {told}; restore the file") from None


def describe_sap(prompts: tuple[SapPrompt, ...]) -> str:
    """Return what may be told of a set: counts, and the SHA-256 of all ids."""
    counts = Counter(one.category for one in prompts)
    digest = hashlib.sha256("\n".join(one.id for one in prompts).encode("utf-8", "surrogateescape")).hexdigest()
    named = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    return f"{len(prompts)} prompts ({named}), sha256 {digest[:12]}"
