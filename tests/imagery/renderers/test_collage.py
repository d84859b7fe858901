from __future__ import annotations

import io
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from reverie.imagery.renderers.collage.canvas import SIDE
from reverie.imagery.renderers.collage.compose import compose
from reverie.imagery.renderers.collage.figures import Manner, recoloured
from reverie.imagery.renderers.collage.layout import LAYOUTS
from reverie.imagery.renderers.collage.lighting import LIGHTS, Scheme
from reverie.imagery.renderers.collage.media.paint import MEDIA
from reverie.imagery.renderers.collage.reading import Look, read_look
from reverie.imagery.renderers.collage.render import Collage
from reverie.imagery.renderers.collage.settings.choose import SETTINGS
from reverie.imagery.renderers.collage.sprites import Sprite

if TYPE_CHECKING:
    from reverie.imagery.roles import Rendered

OIL = {
    "medium": "oil painting, thick impasto",
    "light": "moonlit night",
    "palette": "emerald and moss",
    "composition": "rule of thirds",
}


@pytest.fixture(scope="module")
def collage(tiny: SimpleNamespace) -> Collage:
    return Collage(tiny.icons())


def pixels(made: Rendered) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(made.png)).convert("RGB")).astype(int)


def sprites(tiny: SimpleNamespace, *names: str) -> list[Sprite]:
    known = tiny.icons()
    return [Sprite(name, name, known.by_name(name).group, known.by_name(name).svg_body, 72) for name in names]


def test_a_scene_alone_decides_about_its_bytes(collage: Collage, tiny: SimpleNamespace) -> None:
    one, other = tiny.scene("key", "dove", seed=1), tiny.scene("key", "dove", seed=2)
    together, alone = collage.render([other, one]), collage.render([one])[0]
    assert together[1].png == alone.png
    assert together[1].svg == alone.svg
    assert together[0].png != alone.png


def test_every_medium_setting_light_and_composition_makes_a_picture(collage: Collage, tiny: SimpleNamespace) -> None:
    looks = {name: list(kinds) for name, kinds in (("mood", SETTINGS), ("light", LIGHTS), ("composition", LAYOUTS))}
    for number, medium in enumerate(MEDIA):
        asked = {name: kinds[number % len(kinds)] for name, kinds in looks.items()}
        made = collage.render([tiny.scene("key", "dove", seed=number, size=32, look=tiny.form(medium=medium, **asked))])[0]
        shown = pixels(made)
        assert shown.shape == (32, 32, 3)
        assert shown.std() > 8, medium
        assert made.shown == ("key", "dove")
        assert '="nan' not in str(made.svg)


@pytest.mark.parametrize("composition", sorted(LAYOUTS))
def test_the_main_object_dominates_and_nothing_stands_in_a_row(composition: str, tiny: SimpleNamespace) -> None:
    look = read_look(tiny.form(composition=composition))
    look = Look("gouache", look.palette, "noon", composition, "eye", "hills")
    things = sprites(tiny, "key", "house", "chains", "dove")
    made = compose(look, things, np.random.default_rng(3), Manner())
    heights = {index: max(one.height for one in made.placements if one.index == index) for index in range(4)}
    assert heights[0] >= 1.3 * max(heights[index] for index in (1, 2, 3))
    assert np.ptp([one.y for one in made.placements]) > 60
    assert {one.index for one in made.placements} == {0, 1, 2, 3}
    for index, thing in enumerate(things):
        one = max((one for one in made.placements if one.index == index), key=lambda one: one.height)
        left, top, right, bottom = thing.box
        wide, high = (side * one.height / max(right - left, bottom - top) for side in (right - left, bottom - top))
        low = one.y + high / 2 if one.air else one.y
        assert one.x - wide / 2 >= 0
        assert one.x + wide / 2 <= SIDE
        assert (low - high, low) == pytest.approx((max(low - high, 0), min(low, SIDE)))


def test_a_form_is_read_by_its_words(tiny: SimpleNamespace) -> None:
    look = read_look(tiny.form(**OIL))
    assert (look.medium, look.light, look.palette.name, look.composition) == ("oil", "moon", "forest", "thirds")
    assert read_look(tiny.form(medium="ukiyo-e woodblock print")).medium == "woodcut"
    assert read_look(tiny.form(medium="xyzzy")) == read_look(tiny.form(medium="xyzzy"))
    assert len({read_look(tiny.form(medium=f"unheard of {k}")).palette.name for k in range(12)}) > 3


def test_without_a_form_all_scenes_look_alike(collage: Collage, tiny: SimpleNamespace) -> None:
    assert read_look(tiny.form()).setting == "studio"
    corners = [pixels(one)[:6, :6].mean() for one in collage.render([tiny.scene("key", seed=seed) for seed in (1, 2, 3)])]
    assert np.ptp(corners) < 25


def test_only_objects_with_an_icon_are_shown(collage: Collage, tiny: SimpleNamespace) -> None:
    made = collage.render([tiny.scene("broken chain", "gizmo", "Houses", look=tiny.form(**OIL))])[0]
    assert made.shown == ("broken chain", "Houses")
    assert "chains, house" in made.credits[0].what


def test_a_prompt_without_objects_shows_what_it_names(collage: Collage, tiny: SimpleNamespace) -> None:
    named, bare = collage.render([tiny.scene(text="the dove left a house"), tiny.scene(text="freedom")])
    assert named.shown == ("dove", "house")
    assert bare.shown == ()
    assert bare.credits == ()
    assert pixels(bare).std() > 8
    assert collage.render([tiny.scene(text="oil key", look=tiny.form(**OIL))])[0].shown == ()  # a form alone draws no things


def test_names_inside_icons_do_not_meet(collage: Collage, tiny: SimpleNamespace) -> None:
    svg = str(collage.render([tiny.scene("dove", "sailboat", look=tiny.form(medium="watercolour"))])[0].svg)
    names = re.findall(r'\bid="([^"]+)"', svg)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"', svg)) | set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(names)


def test_credits_stand_in_both_files_and_words_never_do(collage: Collage, tiny: SimpleNamespace) -> None:
    made = collage.render([tiny.scene("key", text="hope")])[0]
    with Image.open(io.BytesIO(made.png)) as picture:
        assert tiny.credit.licence in picture.text["Copyright"]
        assert tiny.credit.url in picture.text["Copyright"]
    assert "A &amp; B" in str(made.svg)
    assert "inspired by TIAC" in str(made.svg)
    assert "<text" not in str(made.svg)
    captioned = Collage(tiny.icons(), caption=True).render([tiny.scene("key", text="hope")])[0]
    assert "A &amp; B" in str(captioned.svg).partition("<text")[2]
    assert (pixels(captioned) != pixels(made)).any()


def test_colours_go_to_the_palette(tiny: SimpleNamespace) -> None:
    palette = read_look(tiny.form(**OIL)).palette
    scheme = Scheme(palette, LIGHTS["noon"], sun_left=True)
    assert recoloured("#ff0000", scheme, 0.0) == "#ff0000"
    reds = recoloured("#d22f27", scheme, 0.9)
    assert reds != recoloured("#61b2e4", scheme, 0.9)
