"""Pictures of many concepts in a folder: one PNG each, and what the renderer says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from reverie.documents import read_as
from reverie.files import atomic_path, write_json
from reverie.imagery.recognition.made import Asked
from reverie.imagery.records import Credit
from reverie.imagery.roles import Renderer, Scene
from reverie.options import Options

BATCH = 8
"""Pictures that a renderer is asked for at a time."""
_PAINTED = "pictures.json"


class OnePicture(Options):
    """A picture in the folder."""

    concept: str
    """What is meant."""
    png: str
    """File name."""
    objects: tuple[str, ...]
    """What was asked for."""
    shown: tuple[str, ...]
    """What the renderer knows that it has drawn."""
    prompt: str
    """In words."""


class Pictures(Options):
    """The pictures of a folder."""

    pictures: tuple[OnePicture, ...]
    """In the order of the concepts."""
    credits: tuple[Credit, ...]
    """Whose work is in them."""

    @property
    def undrawn(self) -> int:
        """Pictures in which the renderer knows that an object is missing."""
        return sum(bool(one.shown) and not set(one.objects) <= set(one.shown) for one in self.pictures)


def paint(
    renderer: Renderer, asked: Sequence[Asked], seed: int, size: int, folder: Path, tell: Callable[[str], None] = lambda line: None
) -> Pictures:
    """Paint into a folder.

    Parameters
    ----------
    renderer : Renderer
        Who paints.
    asked : sequence of Asked
        What each picture shows.
    seed, size : int
        Of every scene.
    folder : Path
        Where the PNG files go.
    tell : callable
        Is told how far it is.

    Returns
    -------
    Pictures
        Also written into the folder.
    """
    found: list[OnePicture] = []
    credits: dict[Credit, None] = {}
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        tell(f"{start}/{len(asked)} pictures")
        rendered = renderer.render([Scene(one.prompt, one.objects, one.form, seed, size) for one in some])
        for one, picture in zip(some, rendered, strict=True):
            name = f"{len(found):04d}.png"
            with atomic_path(folder / name) as temporary:
                temporary.write_bytes(picture.png)
            credits |= dict.fromkeys(picture.credits)
            objects = tuple(thing.phrase for thing in one.objects.objects)
            found.append(OnePicture(concept=one.concept, png=name, objects=objects, shown=picture.shown, prompt=one.prompt.text))
    pictures = Pictures(pictures=tuple(found), credits=tuple(credits))
    write_json(folder / _PAINTED, pictures.model_dump(mode="json"))
    return pictures


def read_pictures(folder: Path) -> Pictures:
    """Return what `paint` left in a folder."""
    return read_as(Pictures, folder / _PAINTED, "delete its folder, and the same command makes it again")
