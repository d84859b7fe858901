"""CLIP from a folder of weights, as a third judge where somebody has one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.errors import ConfigError, DataError, short
from reverie.imagery.judging.config import ClipConfig
from reverie.imagery.matchers.pictures import read_windows

NEEDED = ("config.json", "model.safetensors", "preprocessor_config.json")
ROWS = 16


class ClipMatcher:
    """Vectors of pictures and words by CLIP (arXiv 2103.00020).

    Parameters
    ----------
    config : ClipConfig
    """

    name = "clip"

    def __init__(self, config: ClipConfig) -> None:
        missing = [name for name in NEEDED if not (config.folder / name).is_file()]
        if missing:
            raise DataError(f"{config.folder} has no {missing[0]}; give a folder of CLIP's weights that holds {', '.join(NEEDED)}")
        try:
            import transformers
            from safetensors import SafetensorError
        except ImportError:
            raise ConfigError("the judge clip needs transformers, which is not installed; pip install 'reverie[llm]'") from None
        try:
            self._model: Any = transformers.CLIPModel.from_pretrained(
                config.folder, local_files_only=True, use_safetensors=True
            ).eval()
            self._tokenizer: Any = transformers.CLIPTokenizer.from_pretrained(config.folder, local_files_only=True)
            self._processor: Any = transformers.CLIPImageProcessor.from_pretrained(config.folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise ConfigError(
                f"{config.folder} holds no CLIP that can be read ({short(str(error))}); choose another folder"
            ) from error

    def windows(self, pictures: Sequence[bytes | Path], grids: Sequence[int]) -> NDArray[np.float32]:
        """Return unit vectors of the windows of PNG bytes or files, in the order of `window_boxes` → [P, W, D]."""
        import torch

        size, found = int(self._model.config.vision_config.image_size), []
        for one in pictures:
            pixels = read_windows(one, size, grids)
            with torch.no_grad():
                rows = [
                    _features(self._model.get_image_features(**self._processor(list(some), return_tensors="pt")))
                    for some in np.split(pixels, range(ROWS, len(pixels), ROWS))
                ]
            found.append(_units(np.concatenate(rows)))
        return np.stack(found) if found else np.zeros((0, 1, 1), dtype=np.float32)

    def words(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of words → [K, D]."""
        import torch

        texts = self._tokenizer(list(words), padding=True, truncation=True, return_tensors="pt")
        with torch.no_grad():
            return _units(_features(self._model.get_text_features(**texts)))


def _features(found: Any) -> NDArray[np.float32]:
    """Return vectors that one version of the library gives as a tensor and another as part of an output."""
    tensor = found if hasattr(found, "numpy") else found.pooler_output
    return np.asarray(tensor.float().numpy())


def _units(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
