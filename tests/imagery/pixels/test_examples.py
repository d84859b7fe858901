from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from reverie.errors import DataError
from reverie.imagery.icons import IconSet
from reverie.imagery.pixels.atlas import captioned, draw_atlas, icons_digest, split_icons
from reverie.imagery.pixels.captions import COLOURS, encode_captions
from reverie.imagery.pixels.config import CaptionConfig, ExampleConfig
from reverie.imagery.pixels.examples import Examples, said_words

Make = Callable[[str, str], IconSet]
CAPTION = CaptionConfig(words=8)
STILL = ExampleConfig(families=("noto", "twemoji"), scenes=0, coloured=0, shift=0)


def test_only_icons_that_are_learned_are_drawn_each_at_its_place(sets: list[IconSet]) -> None:
    icons = captioned(sets)
    atlas = draw_atlas(icons, 16)
    assert [(one.family, one.name) for one in atlas.icons][:4] == [("noto", name) for name in ("bar", "box", "disc", "left-half")]
    half = atlas.large[3].astype(int)
    assert half.shape == (16, 16, 4)
    assert atlas.small.shape == (8, 10, 10, 4)
    assert (half[:, :8] == [0, 0, 255, 255]).all()
    assert (half[:, 8:] == 0).all()


def test_linked_icons_may_be_called_by_the_words_of_their_sense(make_set: Make) -> None:
    plain = make_set("noto", "red")
    linked = [replace(icon, sense="disk.n.01") if icon.name == "disc" else icon for icon in plain.icons]
    found = captioned([IconSet("noto", linked, 16, 16, plain.credit)], {"disk.n.01": ("disk", "Disc", "saucer")}.__getitem__)
    assert {icon.name: icon.labels for icon in found}["disc"] == ("disc", "disk", "saucer")
    assert {icon.name: icon.labels for icon in found}["box"] == ("box",)


def test_no_icon_is_one_sentence_and_so_is_a_drawing_that_cannot_be_read(make_set: Make) -> None:
    with pytest.raises(DataError, match="no icon to learn from"):
        draw_atlas({}, 16)
    (icon, *_) = captioned([make_set("noto", "red")])
    with pytest.raises(DataError, match="icon 'bar' of noto cannot be drawn"):
        draw_atlas({icon: "<svg"}, 16)


def test_the_digest_says_which_icons_and_which_drawings(sets: list[IconSet], make_set: Make) -> None:
    first = icons_digest(captioned(sets))
    assert first == icons_digest(captioned(list(reversed(sets))))
    assert first != icons_digest(captioned([sets[0], make_set("twemoji", "#f01")]))


def test_a_part_holds_names_of_no_other_part_or_styles_of_learned_names(make_set: Make) -> None:
    sets = [make_set(name, "red") for name in ("noto", "twemoji", "openmoji")]
    atlas = draw_atlas(captioned(sets), 16)
    parts = split_icons(atlas.icons, 0.3)
    assert sorted(np.concatenate(list(parts.values()))) == list(range(12))
    names = {part: {atlas.icons[row].name for row in rows} for part, rows in parts.items()}
    assert not names["names"] & (names["train"] | names["styles"])
    assert names["styles"] <= names["train"]
    assert len(split_icons(atlas.icons, 0.0)["train"]) == 12


def test_a_still_example_is_the_icon_over_white_or_its_mirror_image(sets: list[IconSet]) -> None:
    atlas = draw_atlas(captioned(sets), 16)
    examples = Examples(atlas, STILL, CAPTION)
    icon = atlas.large[3].astype(np.float64)
    plain = icon[:, :, :3] + 255 * (1 - icon[:, :, 3:] / 255)
    seen = [examples.example(3, np.random.default_rng(seed)) for seed in range(8)]
    mirrored = [np.array_equal(picture, plain[:, ::-1]) for picture, _ in seen]
    assert all(mirror or np.array_equal(picture, plain) for mirror, (picture, _) in zip(mirrored, seen, strict=True))
    assert 0 < sum(mirrored) < 8
    assert {caption for _, caption in seen} == {"left half", "left half noto"}


def test_a_moved_icon_is_cut_at_the_edge(sets: list[IconSet]) -> None:
    atlas = draw_atlas(captioned(sets), 16)
    examples = Examples(atlas, STILL.model_copy(update={"shift": 5}), CAPTION)
    whole = int((atlas.large[1][:, :, 3] > 0).sum())
    areas = {int((examples.example(1, np.random.default_rng(seed))[0] != 255).any(2).sum()) for seed in range(12)}
    assert max(areas) <= whole
    assert min(areas) < whole


def test_scenes_name_both_icons_of_one_set_and_colours_that_are_there(sets: list[IconSet]) -> None:
    atlas = draw_atlas(captioned(sets), 16)
    examples = Examples(atlas, ExampleConfig(scenes=1, coloured=1, shift=0), CAPTION)
    for seed in range(12):
        picture, caption = examples.example(0, np.random.default_rng(seed))
        assert caption.startswith("bar behind ") or caption.startswith("bar beside ")
        assert "twemoji" not in caption
        if "background" in caption:
            named = [word for word in caption.split() if word in COLOURS]
            assert np.allclose(picture[0, 0], COLOURS[named[0]]) or "beside" not in caption


def test_batches_depend_on_torchs_seed_alone_and_all_words_are_known(sets: list[IconSet]) -> None:
    atlas = draw_atlas(captioned(sets), 16)
    examples = Examples(atlas, ExampleConfig(), CAPTION, set(said_words(atlas)))
    batches = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        batches.append(examples.batch(np.arange(8)))
    first, again, other = batches
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.words, again.words)
    assert not torch.equal(first.pixels, other.pixels)
    assert first.pixels.shape == (8, 3 * 16 * 16)
    assert first.pixels.min() >= -1
    assert first.pixels.max() <= 1
    said = encode_captions(["bar behind disc noto teal background"], CAPTION, set(said_words(atlas)))
    assert (said[0].any(-1)).sum() == 6
