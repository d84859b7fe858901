"""The work of a study of matchers: icons drawn, scenes prepared, retrieval measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reverie.files import json_digest
from reverie.imagery.icons import IconSet, load_icons
from reverie.imagery.judging.pooling import GRIDS, SHARPNESS, Named
from reverie.imagery.judging.text_judge import SentenceVectors
from reverie.imagery.matchers.blocks import Block, composed_block, crops_block, painted_block, single_block
from reverie.imagery.matchers.cells import SINGLES, BlockCell, MeasureCell
from reverie.imagery.matchers.drawings import Drawings, draw_icons, held_out
from reverie.imagery.matchers.learning import shares_of
from reverie.imagery.matchers.options import FAMILIES
from reverie.imagery.matchers.pictures import cut_windows
from reverie.imagery.matchers.recipe import MatchersRecipe
from reverie.imagery.matchers.retrieval import Retrieval, ranked, retrieve
from reverie.imagery.matchers.towers import Tower, looked
from reverie.imagery.records import FormPattern
from reverie.imagery.roles import Renderer
from reverie.seeds import numpy_generator

_TEST = 1_000_000
"""Numbers of blocks from here on are measured on, never taught."""


class Bench:
    """Icons, names and painters of a recipe; each is made when it is first asked for.

    Parameters
    ----------
    recipe : MatchersRecipe
    sets : mapping of str to IconSet, optional
        The families; fetched ones by default.
    vectors : SentenceVectors, optional
        Of names; those of the recipe's encoder by default.
    """

    def __init__(
        self, recipe: MatchersRecipe, sets: dict[str, IconSet] | None = None, vectors: SentenceVectors | None = None
    ) -> None:
        self.recipe, self._sets = recipe, sets
        self.vectors = vectors or SentenceVectors(recipe.weights)

    @cached_property
    def sets(self) -> dict[str, IconSet]:
        """All families of icons."""
        return self._sets or {name: load_icons(name) for name in FAMILIES}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names of icons that show a thing, sorted."""
        return tuple(sorted({icon.label for icons in self.sets.values() for icon in icons.drawable}))

    @cached_property
    def taught(self) -> NDArray[np.bool_]:
        """Which names matchers are taught → [V]."""
        out = held_out(self.names, self.recipe.held_out_seed, self.recipe.held_out)
        return np.array([name not in out for name in self.names])

    def digest(self, families: Sequence[str]) -> str:
        """Return the SHA-256 of names and drawings of families."""
        return json_digest({name: {icon.label: icon.svg_body for icon in self.sets[name].drawable} for name in sorted(families)})

    @cached_property
    def drawings(self) -> Drawings:
        """All icons that show a thing, as pixels."""
        return draw_icons([self.sets[name] for name in FAMILIES if name in self.sets], self.recipe.drawing)

    @cached_property
    def _codes(self) -> NDArray[np.int64]:
        """Return the name of each drawing as its number among `names`."""
        at = {name: code for code, name in enumerate(self.names)}
        return np.array([at[name] for name in self.drawings.names], dtype=np.int64)

    def _allowed(self, families: Sequence[str], taught: bool) -> NDArray[np.int64]:
        """Return the drawings of families, of names that are taught or of the others."""
        chosen = self.drawings.chosen(families)
        return np.asarray(chosen[self.taught[self._codes[chosen]] == taught])

    def _painters(self, families: Sequence[str]) -> list[tuple[str, Renderer]]:
        from reverie.imagery.renderers.collage.render import Collage

        return [(name, Collage(self.sets[name])) for name in families]

    @cached_property
    def patterns(self) -> tuple[FormPattern, ...]:
        """Phrases of form that painted scenes have."""
        from reverie.imagery.forms.patterns import written_patterns

        return written_patterns()

    def block(self, cell: BlockCell, tell: Callable[[str], None]) -> Block:
        """Return a block to be taught on; `shown` holds numbers of names."""
        options = self.recipe.matchers[cell.matcher]
        allowed = self._allowed(options.families, taught=True)
        if cell.kind in ("composed", "crops"):
            draw = composed_block if cell.kind == "composed" else crops_block
            found = draw(self.drawings, allowed, options.block, options.size, options.seed, cell.number)
        else:
            counts = {"count": options.block, "size": options.size, "seed": options.seed, "number": cell.number}
            found = self._painted(options.families, allowed, tell, views=options.views, **counts)
        return self._named(found)

    def _painted(self, families: Sequence[str], allowed: NDArray[np.int64], tell: Callable[[str], None], **counts: int) -> Block:
        return painted_block(self.drawings, allowed, self._painters(families), self.patterns, tell=tell, **counts)

    def _named(self, block: Block) -> Block:
        """Return a block whose drawings are given by the numbers of their names."""
        return Block(block.pixels, np.where(block.shown >= 0, self._codes[block.shown], -1))

    def measure(self, cell: MeasureCell, tower: Tower, tell: Callable[[str], None]) -> Retrieval:
        """Return how well a matcher finds captions on one part."""
        recipe, options = self.recipe, self.recipe.matchers[cell.matcher]
        new_style = cell.part in ("styles", "both", "styled-scenes", "painted-styles")
        families = recipe.styles(cell.matcher) if new_style else options.families
        allowed = self._allowed(families, taught=cell.part not in ("names", "both"))
        seed = _TEST + options.seed
        if cell.part in SINGLES:
            chosen = numpy_generator(seed, "measured", cell.part).permutation(allowed)[: recipe.pictures]
            block = single_block(self.drawings, chosen, options.size, seed)
        elif cell.part == "objects":
            wide = self._painted(families, allowed, tell, count=recipe.painted, size=2 * options.size, seed=seed, number=_TEST)
            return self._objects(self._named(wide), tower, options.size)
        elif cell.part.startswith("painted"):
            block = self._painted(families, allowed, tell, count=recipe.painted, size=options.size, seed=seed, number=_TEST)
        else:
            block = composed_block(self.drawings, allowed, recipe.pictures, options.size, seed, _TEST)
        named = self._named(block)
        return retrieve(looked(tower, tower.prepare(named.pixels)), *self._captions(named))

    def _objects(self, block: Block, tower: Tower, size: int) -> Retrieval:
        """Return how well the main things of pictures are found among all names through windows of a size."""
        from PIL import Image

        seen = [looked(tower, tower.prepare(cut_windows(Image.fromarray(one), size, GRIDS))) for one in block.pixels]
        return ranked(Named(self.vectors(self.names), SHARPNESS, 1).shares(np.stack(seen)), block.shown[:, 0])

    def _captions(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return vectors of the captions, each once → [N, D], and which is true of each picture → [P]."""
        shares = shares_of(block.shown, len(self.names))
        captions, true = np.unique(shares, axis=0, return_inverse=True)
        sums = captions @ self.vectors(self.names)
        return sums / np.linalg.norm(sums, axis=1, keepdims=True), true.ravel()
