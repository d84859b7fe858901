"""Teaching the reader, and measuring pictures with it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.documents import read_json, read_tensors
from reverie.files import write_json
from reverie.imagery.pixels.atlas import Atlas
from reverie.imagery.pixels.cells import QualityCell
from reverie.imagery.pixels.config import DrawingConfig
from reverie.imagery.pixels.examples import Examples
from reverie.imagery.pixels.model import PixelModel
from reverie.imagery.pixels.quality import Quality, frechet_distance, read_share
from reverie.imagery.pixels.reader import NamedExamples, Reader
from reverie.imagery.pixels.recipe import PixelsRecipe
from reverie.imagery.pixels.saved import load_pixels
from reverie.imagery.pixels.training import fit
from reverie.models.store import save_tensors
from reverie.seeds import numpy_generator, seed_torch

_REMEDY = "delete the piece"
BATCH = 64


def teach_reader(recipe: PixelsRecipe, atlas: Atlas, folder: Path, device: torch.device, show: bool) -> dict[str, Any]:
    """Train the reader on icons and keep it in a folder; return its last loss, seconds and number of weights."""
    config = recipe.reader
    seed_torch(recipe.seed, "reader")
    names = sorted({icon.name for icon in atlas.icons})
    reader = Reader(names, config.widths, config.features).to(device)
    source = NamedExamples(_plain_examples(recipe, atlas), {name: number for number, name in enumerate(names)})
    log = fit(reader, source, config.training, recipe.seed + 1, folder, device, show, "reader")
    save_tensors(reader.state_dict(), folder / "weights.safetensors")
    write_json(folder / "names.json", names)
    last = log.rows[-1]
    weights = sum(parameter.numel() for parameter in reader.parameters())
    return {"loss": float(last["loss"]), "seconds": float(last["seconds"]), "weights": weights}


def _plain_examples(recipe: PixelsRecipe, atlas: Atlas) -> Examples:
    """Return examples of single icons."""
    return Examples(atlas, recipe.examples.model_copy(update={"scenes": 0.0}), recipe.model.caption)


class Bench:
    """Pictures and captions of every part, and both networks.

    Parameters
    ----------
    recipe : PixelsRecipe
    parts : mapping of str to Atlas
    network, reader : Path
        Folders of the two trainings; read when they are first needed.
    """

    def __init__(self, recipe: PixelsRecipe, parts: Mapping[str, Atlas], network: Path, reader: Path) -> None:
        self.recipe, self.parts, self._network, self._reader = recipe, parts, network, reader

    @cached_property
    def model(self) -> PixelModel:
        """The trained model."""
        return load_pixels(self._network)[0]

    @cached_property
    def reader(self) -> Reader:
        """The trained reader."""
        config = self.recipe.reader
        reader = Reader(read_json(self._reader / "names.json"), config.widths, config.features)
        reader.load_state_dict(read_tensors(self._reader / "weights.safetensors", _REMEDY))
        return reader.eval()

    def measure(self, cell: QualityCell) -> Quality:
        """Draw the pictures of a cell and read them."""
        real, captions, names = self._real(cell.part, 0)
        begin = time.monotonic()
        drawn = self._real(cell.part, 1)[0] if cell.sampler == "real" else self._drawn(cell, captions)
        seconds = (time.monotonic() - begin) / len(captions)
        features, scores = self.reader.read(drawn)
        distance = frechet_distance(self.reader.read(real)[0], features)
        number = {name: at for at, name in enumerate(self.reader.names)}
        top1 = top5 = None
        if all(name in number for name in names):
            truth = np.array([number[name] for name in names])
            top1, top5 = read_share(scores, truth, 1), read_share(scores, truth, 5)
        return Quality(distance, top1, top5, len(captions), len(number), seconds)

    def _real(self, part: str, which: int) -> tuple[Tensor, list[str], list[str]]:
        """Return pictures of a part's icons, their captions and names; `which` draws backgrounds and places anew."""
        atlas, recipe = self.parts[part], self.recipe
        rows: NDArray[np.int64] = numpy_generator(recipe.seed, "measured icons", part).permutation(len(atlas))
        rows = np.resize(rows, recipe.quality.pictures)
        examples = _plain_examples(recipe, atlas)
        generator = numpy_generator(recipe.seed, "measured pictures", part, which)
        made = [examples.example(int(row), generator) for row in rows]
        pixels = np.stack([picture.transpose(2, 0, 1) for picture, _ in made]) / 127.5 - 1
        return torch.from_numpy(pixels), [caption for _, caption in made], [atlas.icons[int(row)].name for row in rows]

    def _drawn(self, cell: QualityCell, captions: list[str]) -> Tensor:
        """Return pictures drawn of captions → [N, 3, S, S] from -1 to 1."""
        if cell.sampler == "real":
            raise ValueError("real pictures are not drawn")
        config = DrawingConfig(sampler=cell.sampler, steps=cell.steps, guidance=cell.guidance)
        seeds = [int(seed) for seed in numpy_generator(self.recipe.seed, "drawn").integers(2**31, size=len(captions))]
        starts = range(0, len(captions), BATCH)
        parts = [self.model.draw(captions[at : at + BATCH], seeds[at : at + BATCH], config) for at in starts]
        return torch.cat(parts).float() / 127.5 - 1
