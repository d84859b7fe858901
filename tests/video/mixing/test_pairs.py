"""Methods that need no learning, against loops in float64; what all methods keep to."""

import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.errors import ConfigError, DataError
from reverie.video.mixing import MIXERS, create_mixer, one_hot, smooth, soft_cross_entropy
from reverie.video.mixing.mixer import Pairs

HARD = ["cutmix", "videomix-spatial", "videomix-temporal", "videomix-tube", "fmix", "resizemix", "saliency-box"]


def mask_of(name: str, share: float, size: tuple[int, int, int, int] = (4, 8, 24, 24), seed: int = 0, **options: Any) -> Any:
    """Return the own masks that a method makes of a λ, as booleans."""
    mixer, generator = create_mixer(name, **options), torch.Generator().manual_seed(seed)
    pairs = Pairs(torch.arange(size[0]).roll(1), torch.full((size[0],), share))
    features = torch.randn(size[0], 4, 7, 3, 3, generator=generator)
    own = mixer.own_mask(size, pairs, features, generator).expand(size)
    assert ((own == 0) | (own == 1)).all()
    return own.bool()


@pytest.mark.parametrize("name", sorted(MIXERS))
@pytest.mark.parametrize("per_sample", [False, True])
def test_every_method_keeps_to_what_a_mixer_is(batch: Any, name: str, per_sample: bool) -> None:
    mixer = create_mixer(name, channels=7, **({} if name == "none" else {"per_sample": per_sample}))
    assert mixer.learns == (name == "sv-mix")
    state = torch.random.get_rng_state()
    for seed in range(5):
        mixed, again = (mixer.mix(batch.clips, batch.labels, batch.features, torch.Generator().manual_seed(seed)) for _ in range(2))
        assert torch.equal(mixed.clips, again.clips), "a function of the generator"
        assert mixed.clips.dtype == batch.clips.dtype
        assert ((mixed.clips >= 0) & (mixed.clips <= 1)).all()
        assert sorted(mixed.partners.tolist()) == list(range(6))
        torch.testing.assert_close(mixed.labels.sum(1), torch.ones(6))
        share = mixed.shares[:, None]
        expected = share * batch.labels + (1 - share) * batch.labels[mixed.partners]
        torch.testing.assert_close(mixed.labels, expected)
        own = torch.ones(6, *batch.size) if mixed.own is None else mixed.own
        assert own.shape == (6, *batch.size)
        if name != "resizemix":
            expected = own[:, :, None] * batch.clips + (1 - own[:, :, None]) * batch.clips[mixed.partners]
            torch.testing.assert_close(mixed.clips, expected)
        if name in HARD or name == "mixup":
            torch.testing.assert_close(mixed.shares, own.mean((1, 2, 3)))
    assert torch.equal(state, torch.random.get_rng_state()), "no global state"


@pytest.mark.parametrize("name", sorted(set(MIXERS) - {"sv-mix", "sv-mix-untrained"}))
def test_mixing_has_the_precision_of_the_clips(batch: Any, name: str) -> None:
    plain, half = create_mixer(name), (batch.clips.bfloat16(), batch.labels, batch.features.bfloat16())
    whole = plain.mix(batch.clips, batch.labels, batch.features, torch.Generator().manual_seed(1))
    with torch.autocast("cpu", torch.bfloat16):
        same = plain.mix(batch.clips, batch.labels, batch.features, torch.Generator().manual_seed(1))
    assert torch.equal(same.clips, whole.clips)
    assert torch.equal(same.labels, whole.labels)
    small = plain.mix(*half, torch.Generator().manual_seed(1))
    assert small.clips.dtype == torch.bfloat16
    assert small.labels.dtype == torch.float32
    torch.testing.assert_close(small.clips.float(), whole.clips, rtol=0, atol=0.02)


def test_names_and_options_can_be_read_without_torch() -> None:
    code = (
        "import sys, reverie.video.mixing.create as c; [c.MIXERS.config(n)() for n in c.MIXERS]; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_no_mixing_leaves_all_as_it_is(batch: Any, generator: torch.Generator) -> None:
    mixed = create_mixer("none").mix(batch.clips, batch.labels, None, generator)
    assert mixed.clips is batch.clips
    assert mixed.labels is batch.labels
    assert mixed.own is None
    assert mixed.partners.tolist() == list(range(6))


def test_the_box_of_cutmix_is_the_published_one() -> None:
    """Sides by √(1-λ), around a centre, cut off at the border, the same in all frames."""
    for seed, share in enumerate([0.1, 0.36, 0.75, 0.99]):
        own = mask_of("cutmix", share, seed=seed)
        assert (own == own[:1, :1]).all()
        rows, columns = (~own[0, 0]).any(1).nonzero()[:, 0], (~own[0, 0]).any(0).nonzero()[:, 0]
        side = int(24 * math.sqrt(1 - share))
        assert int((~own[0, 0]).sum()) == len(rows) * len(columns)
        for places in (rows, columns):
            cut = int(places[0]) == 0 or int(places[-1]) == 23
            assert len(places) == side or (cut and side // 2 <= len(places) < side)
    apart = mask_of("cutmix", 0.5, per_sample=True)
    assert len({tuple(mask.flatten().tolist()) for mask in apart[:, 0]}) > 1


@pytest.mark.parametrize(
    ("name", "axes"), [("videomix-spatial", (2, 3)), ("videomix-temporal", (1,)), ("videomix-tube", (1, 2, 3))]
)
@settings(max_examples=15, deadline=None)
@given(share=st.floats(0, 1), seed=st.integers(0, 99))
def test_videomix_cuts_a_whole_cuboid_of_the_asked_size(name: str, axes: tuple[int, ...], share: float, seed: int) -> None:
    size = (3, 8, 20, 24)
    partner = ~mask_of(name, share, size, seed=seed, per_sample=True)
    for clip in partner:
        volume = 1
        for axis in (1, 2, 3):
            seen = clip.any(tuple(other - 1 for other in (1, 2, 3) if other != axis)).nonzero()[:, 0]
            wanted = round(size[axis] * (1 - share) ** (1 / len(axes))) if axis in axes else size[axis]
            if len(seen):
                assert len(seen) == wanted == int(seen[-1] - seen[0]) + 1
            volume *= wanted
        assert int(clip.sum()) == volume


@settings(max_examples=25, deadline=None)
@given(share=st.floats(0, 1), seed=st.integers(0, 99), volume=st.booleans())
def test_fmix_has_exactly_the_asked_area(share: float, seed: int, volume: bool) -> None:
    own = mask_of("fmix", share, seed=seed, volume=volume, per_sample=True)
    places = 8 * 24 * 24 if volume else 24 * 24
    for mask in own:
        kept = int(mask.sum()) if volume else int(mask[0].sum())
        assert kept == round(share * places)
        assert volume or bool((mask == mask[:1]).all())


def test_the_noise_of_fmix_falls_with_frequency_as_published() -> None:
    from reverie.video.mixing.fmix import low_frequencies

    noise = low_frequencies((200, 1, 16, 24), 3.0, torch.Generator().manual_seed(0))
    power = torch.fft.rfft2(noise[:, 0].double()).abs().square().mean(0).numpy()
    rows, columns = np.fft.fftfreq(16)[:, None], np.fft.rfftfreq(24)[None]
    frequency = np.maximum(np.sqrt(rows**2 + columns**2), 1 / 24)
    seen = power[1:8, 1:12] * frequency[1:8, 1:12] ** 6
    assert seen.std() / seen.mean() < 0.2, "amplitude times frequency to the power 3 is flat"


def test_resizemix_shows_the_whole_partner_made_small(generator: torch.Generator) -> None:
    ramp = torch.linspace(0, 1, 24).expand(24, 24)
    clips = torch.stack([torch.zeros(2, 3, 24, 24), ramp.expand(2, 3, 24, 24)])
    mixer = create_mixer("resizemix")
    mixed = mixer.mix_pairs(clips, torch.eye(2), None, Pairs(torch.tensor([1, 0]), torch.full((2,), 0.75)), generator)
    own = mixed.own.bool()
    assert int((~own[0, 0]).sum()) == 144, "a box of 12 x 12"
    seen = mixed.clips[0, 1, 2][~own[0, 1]].view(12, 12)
    expected = (ramp[0].view(12, 2)).mean(1)
    torch.testing.assert_close(seen, expected.expand(12, 12), rtol=0, atol=1e-5)
    torch.testing.assert_close(mixed.shares, torch.full((2,), 0.75))
    assert torch.equal(mixed.clips[0][:, :, own[0, 0]], clips[0][:, :, own[0, 0]])
    scales = (1 - create_mixer("resizemix", per_sample=True).draw_shares(4000, generator)).sqrt()
    assert float(scales.min()) == pytest.approx(0.1, abs=0.01)
    assert float(scales.max()) == pytest.approx(0.8, abs=0.01)
    assert float(scales.mean()) == pytest.approx(0.45, abs=0.01)


def test_the_saliency_box_covers_the_partners_most_salient_cell(batch: Any, generator: torch.Generator) -> None:
    mixer = create_mixer("saliency-box", per_sample=True)
    pairs = Pairs(torch.tensor([3, 0, 1, 5, 2, 4]), torch.full((6,), 0.75))
    own = mixer.own_mask((6, *batch.size), pairs, batch.features, generator).bool()
    for clip, other in enumerate(pairs.partners.tolist()):
        weight = batch.features[other].double().numpy().mean(1)
        raised = np.exp(weight) / np.exp(weight).sum()
        row, column = divmod(int(raised.sum(0).argmax()), 3)
        box = ~own[clip, 0]
        assert int(box.sum()) == 12 * 12
        assert box[row * 8 + 4, column * 8 + 4]


@pytest.mark.parametrize("name", ["mixup", "videomix-spatial", "videomix-temporal", "videomix-tube", "fmix", "resizemix", "cutmix"])
def test_the_area_is_lambda_on_average(name: str) -> None:
    """Over 2,000 clips of 16 frames of 12 pixels, but for CutMix, whose boxes are cut off at the border and never too large."""
    mixer, generator = create_mixer(name, per_sample=True), torch.Generator().manual_seed(1)
    pairs = mixer.draw(torch.eye(2).repeat(1000, 1), None, generator)
    areas = mixer.own_mask((2000, 16, 12, 12), pairs, None, generator).mean((1, 2, 3))
    off = areas - pairs.shares
    assert float(off.abs().max()) < (1.0 if name == "cutmix" else 0.17)
    if name == "cutmix":
        assert float(off.min()) > -1e-6
        assert 0.05 < float(off.mean()) < 0.25
    else:
        assert abs(float(off.mean())) < 0.01
        assert name == "resizemix" or abs(float(areas.mean()) - 0.5) < 0.03


def test_how_often_a_batch_is_mixed_is_an_option(batch: Any) -> None:
    for name in ("mixup", "cutmix", "resizemix", "fmix", "sv-mix"):
        mixer = create_mixer(name, channels=7, probability=0.5)
        same = [
            torch.equal(
                mixer.mix(batch.clips, batch.labels, batch.features, torch.Generator().manual_seed(seed)).clips, batch.clips
            )
            for seed in range(30)
        ]
        assert 5 < sum(same) < 25, name
        never = create_mixer(name, channels=7, probability=0.0)
        mixed = never.mix(batch.clips, batch.labels, batch.features, torch.Generator())
        torch.testing.assert_close(mixed.labels, batch.labels)


def test_one_batch_shares_a_mask_unless_each_clip_is_to_have_its_own(batch: Any) -> None:
    for name in [*HARD, "mixup"]:
        if name == "saliency-box":
            continue
        for per_sample in (False, True):
            mixer = create_mixer(name, per_sample=per_sample)
            own = mixer.mix(batch.clips, batch.labels, batch.features, torch.Generator().manual_seed(2)).own
            assert bool((own == own[:1]).all()) != per_sample, name


def test_multi_label_rows_are_mixed_alike(batch: Any, generator: torch.Generator) -> None:
    labels = (torch.rand(6, 5, generator=generator) < 0.5).float()
    mixed = create_mixer("cutmix").mix(batch.clips, labels, None, generator)
    for row, (i, share) in enumerate(zip(mixed.partners.tolist(), mixed.shares.tolist(), strict=True)):
        np.testing.assert_allclose(mixed.labels[row], share * labels[row].double() + (1 - share) * labels[i].double(), atol=1e-6)


def test_labels_are_smoothed_and_learned_from_as_defined() -> None:
    labels = smooth(one_hot(torch.tensor([1, 0]), 4), 0.1)
    torch.testing.assert_close(labels, torch.tensor([[0.025, 0.925, 0.025, 0.025], [0.925, 0.025, 0.025, 0.025]]))
    logits = torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    plain = logits.double().numpy()
    log = plain - np.log(np.exp(plain).sum(1, keepdims=True))
    assert float(soft_cross_entropy(logits, labels)) == pytest.approx(-(labels.double().numpy() * log).sum() / 2, rel=1e-6)


def test_what_cannot_be_mixed_is_said_in_a_sentence(batch: Any, generator: torch.Generator) -> None:
    mixer = create_mixer("cutmix")
    with pytest.raises(DataError, match=r"clips to mix are floats \[B, T, 3, H, W\].*uint8"):
        mixer.mix((batch.clips * 255).byte(), batch.labels, None, generator)
    with pytest.raises(DataError, match="by one_hot"):
        mixer.mix(batch.clips, torch.arange(6), None, generator)
    with pytest.raises(DataError, match="needs the teacher's feature map"):
        create_mixer("saliency-box").mix(batch.clips, batch.labels, None, generator)
    with pytest.raises(ConfigError, match=r"unknown mixer 'cutmx' .did you mean 'cutmix'"):
        create_mixer("cutmx")
    with pytest.raises(ConfigError, match="mixer 'cutmix': option 'alpha' must be greater than 0"):
        create_mixer("cutmix", alpha=0)


def test_every_source_stands_among_the_papers() -> None:
    papers = (Path(__file__).parents[3] / "PAPERS.md").read_text(encoding="utf-8")
    assert {entry.paper for entry in MIXERS.values() if entry.paper} <= set(
        re.findall(r"^\| `(\w+)` \|", papers, flags=re.MULTILINE)
    )


@pytest.mark.parametrize("name", MIXERS)
def test_an_empty_batch_and_features_that_are_not_finite_are_refused(name: str) -> None:
    mixer, features = create_mixer(name, channels=7), torch.randn(2, 2, 7, 3, 3)
    clips, labels, generator = torch.rand(2, 4, 3, 16, 16), torch.eye(2), torch.Generator().manual_seed(0)
    with pytest.raises(DataError, match="has no clip"):
        mixer.mix(clips[:0], labels[:0], features[:0], generator)
    if mixer.needs_features:
        features[0, 0, 0] = torch.nan
        with pytest.raises(DataError, match="features of clips to mix are not finite"):
            mixer.mix(clips, labels, features, generator)
