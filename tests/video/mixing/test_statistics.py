"""Area, entropy and objects of masks against loops; sound against sums of powers; filmstrips as pictures."""

import io
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from reverie.errors import DataError
from reverie.video.filmstrip import filmstrip, mixed_strips
from reverie.video.mixing import Pairs, create_mixer, mask_statistics, mix_log_mel
from reverie.video.roles import Mixed

NAMES = ("area", "entropy", "spread", "partner_object", "own_object", "on_object")


def test_masks_are_measured_as_defined(generator: torch.Generator) -> None:
    own = torch.rand(3, 2, 4, 5, generator=generator)
    own[0, 0, 0] = torch.tensor([0.0, 1.0, 0.0, 1.0, 1.0])
    objects = torch.rand(3, 2, 4, 5, generator=generator) < 0.3
    partners = torch.tensor([2, 0, 1])
    found = mask_statistics(own, partners, objects)
    for clip, other in enumerate(partners.tolist()):
        area, entropy, partner, mine, square = 0.0, 0.0, 0.0, 0.0, 0.0
        for place in itertools.product(range(2), range(4), range(5)):
            m = 1 - float(own[clip][place])
            area += m / 40
            square += m**2 / 40
            entropy -= sum(p * math.log2(p) for p in (m, 1 - m) if p > 0) / 40
            partner += m * float(objects[other][place]) / int(objects[other].sum())
            mine += (1 - m) * float(objects[clip][place]) / int(objects[clip].sum())
        values = [float(getattr(found, name)[clip]) for name in NAMES]
        spread = math.sqrt(square - area**2)
        np.testing.assert_allclose(values, [area, entropy, spread, partner, mine, partner + mine - 1], rtol=1e-5, atol=1e-6)


def test_a_constant_mask_is_nowhere_and_one_that_shows_both_objects_is_on_them() -> None:
    objects = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    objects[0, :, :2], objects[1, :, 2:] = True, True
    partners = torch.tensor([1, 0])
    constant = mask_statistics(torch.full((2, 1, 4, 4), 0.3), partners, objects)
    torch.testing.assert_close(constant.on_object, torch.zeros(2), rtol=0, atol=1e-6)
    assert mask_statistics(objects.float(), partners, objects).means() == {
        "area": 0.5, "entropy": 0.0, "spread": 0.5, "partner_object": 1.0, "own_object": 1.0, "on_object": 1.0
    }  # fmt: skip
    objects[1] = False
    hidden = mask_statistics(torch.full((2, 1, 4, 4), 0.3), partners, objects)
    assert hidden.partner_object.isnan().tolist() == [True, False]
    assert set(mask_statistics(torch.rand(2, 1, 4, 4), partners).means()) == {"area", "entropy", "spread"}


def test_the_object_of_a_partner_made_small_is_looked_for_in_its_box(generator: torch.Generator) -> None:
    mixer, objects = create_mixer("resizemix"), torch.zeros(2, 3, 24, 24, dtype=torch.bool)
    objects[0, :, :4, :4], objects[1, :, 18:, 16:] = True, True
    for share in (0.4, 0.75):
        pairs, clips = Pairs(torch.tensor([1, 0]), torch.full((2,), share)), objects[:, :, None].expand(2, 3, 3, 24, 24).float()
        mixed = mixer.mix_pairs(clips, torch.eye(2), None, pairs, generator)
        assert mixed.own is not None
        there = mixer.place(objects[mixed.partners].float(), mixed.own)
        shown = mixed.clips[:, :, 0] - mixed.own * objects  # clips are their objects, so what is left is the partner's
        torch.testing.assert_close(there, shown, rtol=0, atol=1e-5)
        found = mask_statistics(mixed.own, mixed.partners, objects, there)
        torch.testing.assert_close(found.partner_object, torch.ones(2))
        torch.testing.assert_close(found.on_object, found.own_object)


def test_sound_is_mixed_by_power_and_cut_where_frames_are(batch: Any, generator: torch.Generator) -> None:
    sound = torch.randn(6, 20, 4, generator=generator)
    mixed = create_mixer("videomix-temporal").mix(batch.clips, batch.labels, None, generator)
    found, plain = mix_log_mel(sound, mixed), sound.double().numpy()
    for clip, other in enumerate(mixed.partners.tolist()):
        for time in range(20):
            a = float(mixed.own[clip, time * 8 // 20].double().mean())
            expected = np.log(a * np.exp(plain[clip, time]) + (1 - a) * np.exp(plain[other, time]))
            np.testing.assert_allclose(found[clip, time].numpy(), expected, rtol=1e-5, atol=1e-6)
    assert 0 < float(mixed.shares[0]) < 1
    shares, partners = torch.tensor([0.25, 0.5, 1.0, 0.0, 0.9, 0.1]), torch.arange(6).roll(1)
    whole = mix_log_mel(sound, Mixed(batch.clips, batch.labels, partners, None, shares))
    a = shares.double().numpy()[:, None, None]
    np.testing.assert_allclose(whole.numpy(), np.log(a * np.exp(plain) + (1 - a) * np.exp(plain[partners])), rtol=1e-5, atol=1e-6)
    with pytest.raises(DataError, match=r"log-mel \[6, F, M\]"):
        mix_log_mel(sound[:3], mixed)


def test_a_filmstrip_shows_each_clip_in_a_row(batch: Any, generator: torch.Generator) -> None:
    mixed = create_mixer("videomix-temporal").mix(
        batch.clips * 0 + torch.linspace(0, 1, 6).view(6, 1, 1, 1, 1), batch.labels, None, generator
    )
    clips = torch.linspace(0, 1, 6).view(6, 1, 1, 1, 1).expand_as(batch.clips)
    row = int((mixed.partners != torch.arange(6)).nonzero()[0])
    strips = mixed_strips(clips, mixed, row)
    assert list(strips) == ["own", "partner", "mask", "mixed"]
    picture = filmstrip(strips, most=4, side=30)
    assert picture == filmstrip(strips, most=4, side=30)
    pixels = np.asarray(Image.open(io.BytesIO(picture)))
    height, width, _ = pixels.shape
    assert height == 4 * 33 + 3
    cells = [[pixels[3 + 33 * line + 15, width - 4 * 33 + 33 * column + 15, 0] for column in range(4)] for line in range(4)]
    own, partner = round(255 * row / 5), round(255 * int(mixed.partners[row]) / 5)
    assert cells[0] == [own] * 4
    assert cells[1] == [partner] * 4
    for mask, seen in zip(cells[2], cells[3], strict=True):
        assert (int(mask), int(seen)) in {(255, partner), (0, own)}
    assert "mask" not in mixed_strips(clips, create_mixer("none").mix(clips, batch.labels, None, generator), 0)
    with pytest.raises(DataError, match="as many frames each"):
        filmstrip({"own": strips["own"], "partner": strips["partner"][:3]})
