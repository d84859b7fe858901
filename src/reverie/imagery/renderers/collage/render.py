"""The collage renderer: a scene's objects as icons, its form as a look, composed into SVG and PNG."""

from __future__ import annotations

from collections.abc import Sequence

from reverie.data.sources.packages import require_package
from reverie.imagery.icons import Icon, IconSet, load_icons
from reverie.imagery.records import Credit
from reverie.imagery.renderers.collage.canvas import document
from reverie.imagery.renderers.collage.captions import caption, font
from reverie.imagery.renderers.collage.media.paint import paint
from reverie.imagery.renderers.collage.reading import read_look
from reverie.imagery.renderers.collage.sprites import Sprite
from reverie.imagery.renderers.collage.words import IconWords
from reverie.imagery.renderers.config import CollageConfig
from reverie.imagery.renderers.credits import png_texts, sentence, svg_metadata, with_texts
from reverie.imagery.roles import Rendered, Scene
from reverie.seeds import numpy_generator

SOFTWARE = "Reverie collage"


class Collage:
    """Composes pictures from an icon set; a scene alone decides about its bytes.

    Parameters
    ----------
    icons : IconSet
    caption : bool
        Whether the credit stands in small type on the picture.
    """

    name = "collage"

    def __init__(self, icons: IconSet, caption: bool = False) -> None:
        require_package("resvg_py", "drawing icons")
        self.icons, self.caption, self._words = icons, caption, IconWords(icons)

    def render(self, scenes: Sequence[Scene]) -> list[Rendered]:
        """Return a picture of each scene."""
        return [self._render(scene) for scene in scenes]

    def _render(self, scene: Scene) -> Rendered:
        import resvg_py

        shown = self._shown(scene)
        sprites = [Sprite(phrase, icon.label, icon.group, icon.svg_body, self.icons.width) for phrase, icon in shown]
        inner = paint(read_look(scene.form), sprites, numpy_generator(scene.seed, "collage"))
        credits = self._credits([icon for _, icon in shown])
        fonts: list[str] = []
        if self.caption and credits:
            inner, fonts = inner + caption(sentence(credits)), [str(font())]
        svg = document(inner, svg_metadata(credits, SOFTWARE))
        png = resvg_py.svg_to_bytes(svg_string=svg, width=scene.size, height=scene.size, skip_system_fonts=True, font_files=fonts)
        return Rendered(with_texts(bytes(png), png_texts(credits, SOFTWARE)), svg, credits, tuple(phrase for phrase, _ in shown))

    def _shown(self, scene: Scene) -> list[tuple[str, Icon]]:
        """Return the objects that have an icon; without objects and form, what the prompt names."""
        objects = [(one.phrase, self._words.icon(one)) for one in scene.objects.objects]
        found = [(phrase, icon) for phrase, icon in objects if icon is not None]
        if scene.objects.objects or scene.form.patterns:
            return found
        return [(icon.label, icon) for icon in self._words.named(scene.prompt.text)]

    def _credits(self, icons: Sequence[Icon]) -> tuple[Credit, ...]:
        if not icons:
            return ()
        credit = self.icons.credit
        names = ", ".join(dict.fromkeys(icon.label for icon in icons))
        return (credit.model_copy(update={"what": f"{credit.what} ({names}), recoloured and composed"}),)


def create(config: CollageConfig) -> Collage:
    """Return the renderer of its options, with icons from the cache or a mirror."""
    return Collage(load_icons(config.icons), config.caption)
