"""A step of SV-Mix: the formulas against loops in float64, and who gets gradient from whom."""

import copy
import dataclasses
import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.errors import ConfigError, DataError
from reverie.video.mixing import create_mixer
from reverie.video.mixing.svmix.draws import Branch, Draws
from reverie.video.mixing.svmix.labels import saliency, saliency_shares
from reverie.video.mixing.svmix.losses import area_loss


def prepare_teacher(network: Any) -> Any:
    """Return a network whose dropout is off, while its batch normalisation goes on counting."""
    network.requires_grad_(False).eval()
    network.norm.train()
    return network


def drawn(mixer: Any, batch: Any, share: float | None = None, **changes: Any) -> Draws:
    """Return the draws of one step, with a student's and a teacher's λ of one's own."""
    step: Draws = mixer.draw(batch.labels, batch.features, torch.Generator().manual_seed(3))
    if share is not None:
        given = torch.full((len(batch.labels),), share)
        step = dataclasses.replace(step, student=Branch(step.student.partners, given), teacher=Branch(step.teacher.partners, given))
    return dataclasses.replace(step, **changes)


def test_saliency_is_a_softmax_over_all_cells_of_the_channel_mean(batch: Any) -> None:
    for temperature in (1.0, 0.1):
        found = saliency(batch.features, temperature)
        for clip, plain in zip(found, batch.features.double().numpy(), strict=True):
            frames, channels, height, width = plain.shape
            places = list(itertools.product(range(frames), range(height), range(width)))
            raised = [math.exp(sum(plain[t, c, y, x] for c in range(channels)) / channels / temperature) for t, y, x in places]
            np.testing.assert_allclose(clip.flatten().numpy(), np.array(raised) / sum(raised), rtol=1e-5)


@pytest.mark.parametrize("module", ["spatial", "temporal", "volume"])
def test_what_the_selector_is_shown_has_a_mean_square_of_one(batch: Any, module: Any) -> None:
    channels, partners, shares = batch.features.shape[2], torch.tensor([3, 0, 1, 5, 2, 4]), torch.full((6,), 0.3)
    mixer: Any = create_mixer("sv-mix", channels=channels, seed=0, standardise=True)
    seen = batch.features.double().numpy()
    if module == "temporal":  # of the means of frames, which differ less than places do
        seen = seen.mean((3, 4), keepdims=True)
    shown = []
    for clip in seen:
        centred = clip - clip.mean(axis=(0, 2, 3), keepdims=True)
        shown.append(centred / math.sqrt(float((centred**2).mean())))
    known = torch.from_numpy(np.stack(shown)).float()
    expected = mixer.selector(known, known[partners], shares, module)
    found = mixer.logits(batch.features, batch.features[partners], shares, module, None)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("standardise", [True, False])
def test_standardised_features_are_blind_to_what_all_places_share(batch: Any, standardise: bool) -> None:
    channels = batch.features.shape[2]
    mixer: Any = create_mixer("sv-mix", channels=channels, seed=0, standardise=standardise)
    shares, shared = torch.full((len(batch.labels),), 0.3), torch.arange(float(channels))[:, None, None]
    both = (batch.features, 3 * batch.features + shared)
    found, moved = (mixer.logits(one, one.flip(0), shares, "spatial", None) for one in both)
    assert torch.allclose(found, moved, atol=1e-4) == standardise


@pytest.mark.parametrize("size", [(8, 24, 24), (7, 10, 13)])
def test_label_shares_are_what_is_left_of_salient_content(batch: Any, size: tuple[int, int, int]) -> None:
    generator, partners = torch.Generator().manual_seed(0), torch.tensor([3, 0, 1, 5, 2, 4])
    own, salient = torch.rand(6, *size, generator=generator), saliency(batch.features)
    shape = salient.shape[1:]

    def cell_mean(mask: Any, cell: tuple[int, ...]) -> float:
        slices = [
            slice(index * large // small, -((-(index + 1) * large) // small))
            for index, small, large in zip(cell, shape, size, strict=True)
        ]
        return float(mask[tuple(slices)].double().mean())

    expected = []
    for clip, other in enumerate(partners.tolist()):
        kept = seen = 0.0
        for cell in itertools.product(*(range(n) for n in shape)):
            mean = cell_mean(own[clip], cell)
            kept += float(salient[clip][cell]) * mean
            seen += float(salient[other][cell]) * (1 - mean)
        expected.append(kept / (kept + seen))
    np.testing.assert_allclose(saliency_shares(own, salient, partners).numpy(), expected, rtol=1e-5)


def test_label_shares_are_numbers_even_where_nothing_salient_is_left() -> None:
    own, salient = torch.tensor([[0.0, 1.0], [0.0, 1.0]])[:, None, None], torch.tensor([[1.0, 0.0], [0.0, 1.0]])[:, None, None]
    found = saliency_shares(own, salient, torch.tensor([1, 0]))
    assert found.tolist() == [0.5, 0.5]


def test_the_area_term_is_a_hinge_around_lambda() -> None:
    mask, shares = torch.rand(4, 3, 5, 5, generator=torch.Generator().manual_seed(0)), torch.tensor([0.2, 0.9, 0.4, 0.6])
    mask = mask * torch.tensor([1.0, 0.3, 1.0, 0.1])[:, None, None, None]
    plain, wanted = mask.double().numpy(), shares.double().numpy()
    whole = max(0.0, abs(1 - plain.mean() - wanted.mean()) - 0.1)
    each = [max(0.0, abs(1 - one.mean() - share) - 0.1) for one, share in zip(plain, wanted, strict=True)]
    assert float(area_loss(mask, shares, 0.1)) == pytest.approx(whole, abs=1e-6)
    assert float(area_loss(mask, shares, 0.1, per_sample=True)) == pytest.approx(np.mean(each), abs=1e-6)
    assert whole != pytest.approx(np.mean(each), abs=1e-3)
    assert float(area_loss(torch.full((2, 1, 2, 2), 0.45), torch.full((2,), 0.5))) == 0


@pytest.mark.parametrize("module", ["spatial", "temporal", "volume"])
def test_a_step_is_the_published_one(batch: Any, network: Any, module: Any) -> None:
    """Clips, labels and loss put together from parts that were tested against loops."""
    mixer = create_mixer("sv-mix", channels=7)
    step = drawn(mixer, batch, module=module)
    mixed = mixer.student(batch.clips, batch.labels, batch.features, step)
    mask = mixer.partner_mask(batch.features, step.student, step, batch.size).detach().double().numpy()
    clips, labels = batch.clips.double().numpy(), batch.labels.double().numpy()
    partners = step.student.partners.numpy()
    assert 0.08 < float(step.student.shares[0]) < 0.92
    for i, j in enumerate(partners):
        weight = mask[i][:, None]
        np.testing.assert_allclose(mixed.clips[i].numpy(), (1 - weight) * clips[i] + weight * clips[j], atol=1e-6)
        share = float(mixed.shares[i])
        np.testing.assert_allclose(mixed.labels[i].numpy(), share * labels[i] + (1 - share) * labels[j], atol=1e-6)
    own = torch.from_numpy(1 - mask).float()
    torch.testing.assert_close(mixed.shares, saliency_shares(own, saliency(batch.features), step.student.partners))

    teacher = prepare_teacher(copy.deepcopy(network))
    terms = mixer.teacher_loss(teacher, batch.clips, batch.labels, batch.features, step)
    mask = mixer.partner_mask(batch.features, step.teacher, step, batch.size).detach()
    partners, share = step.teacher.partners, float(step.teacher.shares[0])
    clips_seen = (1 - mask[:, :, None]) * batch.clips + mask[:, :, None] * batch.clips[partners]
    log = torch.log_softmax(prepare_teacher(copy.deepcopy(network))(clips_seen).double(), 1).numpy()
    wanted = share * labels + (1 - share) * labels[partners.numpy()]
    assert float(terms["teacher"].detach()) == pytest.approx(-(wanted * log).sum(1).mean(), rel=1e-5)
    area = max(0.0, abs(1 - float(mask.double().mean()) - share) - 0.1)
    assert float(terms["area"].detach()) == pytest.approx(0.1 * area, abs=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.03, 0.08, 0.92, 0.97, 1.0])
@pytest.mark.parametrize("module", ["spatial", "temporal"])
def test_masks_of_the_student_are_constant_at_extreme_lambda_and_those_of_the_teacher_are_not(
    batch: Any, share: float, module: Any
) -> None:
    mixer = create_mixer("sv-mix", channels=7)
    step = drawn(mixer, batch, share, module=module)
    mixed = mixer.student(batch.clips, batch.labels, batch.features, step)
    assert mixed.own is not None
    torch.testing.assert_close(mixed.own, torch.full_like(mixed.own, share), rtol=0, atol=0)
    torch.testing.assert_close(mixed.shares, torch.full_like(mixed.shares, share), rtol=0, atol=5e-6)
    assert mixer.partner_mask(batch.features, step.teacher, step, batch.size).std() > 0


def test_the_students_loss_gives_the_selector_no_gradient_and_the_teachers_does(batch: Any, network: Any) -> None:
    mixer = create_mixer("sv-mix", channels=7)
    student, teacher = copy.deepcopy(network).train(), prepare_teacher(network)
    for module in ("spatial", "temporal", "volume"):
        step = drawn(mixer, batch, 0.4, module=module)
        mixed = mixer.student(batch.clips, batch.labels, batch.features, step)
        assert not any(value.requires_grad for value in (mixed.clips, mixed.labels, mixed.own, mixed.shares))
        student(mixed.clips).square().mean().backward()
        assert all(parameter.grad is None for parameter in mixer.selector.parameters())
        sum(mixer.teacher_loss(teacher, batch.clips, batch.labels, batch.features, step).values()).backward()
        for parameter in mixer.selector_parameters():
            assert parameter.grad is not None
            assert parameter.grad.abs().sum() > 0
            parameter.grad = None
        assert all(parameter.grad is None for parameter in teacher.parameters())


def test_a_teacher_that_was_not_prepared_gets_no_gradient_either(batch: Any, network: Any) -> None:
    mixer = create_mixer("sv-mix", channels=7)
    sum(mixer.teacher_loss(network, batch.clips, batch.labels, batch.features, drawn(mixer, batch, 0.4)).values()).backward()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert any(parameter.grad is not None for parameter in mixer.selector_parameters())
    assert int(network.norm.num_batches_tracked) == 1, "its batch statistics are its own"


def test_features_carry_no_gradient(batch: Any, network: Any) -> None:
    mixer, features = create_mixer("sv-mix", channels=7), batch.features.clone().requires_grad_()
    sum(
        mixer.teacher_loss(prepare_teacher(network), batch.clips, batch.labels, features, drawn(mixer, batch, 0.4)).values()
    ).backward()
    assert features.grad is None


def test_shared_gradient_reaches_the_selector_from_the_students_loss(batch: Any, network: Any) -> None:
    mixer = create_mixer("sv-mix", channels=7, shared_gradient=True)
    mixed = mixer.student(batch.clips, batch.labels, batch.features, drawn(mixer, batch, 0.4))
    network(mixed.clips).square().mean().backward()
    assert all(parameter.grad is not None for parameter in mixer.selector_parameters())
    assert not mixed.labels.requires_grad, "targets stay constants"
    assert any(parameter.grad is not None for parameter in network.parameters())


def test_the_module_is_drawn_by_the_switch_and_shared_by_both_branches(batch: Any) -> None:
    for switch, expected in ((0.0, {"temporal"}), (1.0, {"spatial"}), (0.5, {"spatial", "temporal"})):
        mixer, generator = create_mixer("sv-mix", channels=7, switch=switch), torch.Generator().manual_seed(0)
        steps = [mixer.draw(batch.labels, batch.features, generator) for _ in range(20)]
        assert {step.module for step in steps} == expected
        for step in steps:
            assert len(step.student.shares.unique()) == 1, "one λ for the batch"
            assert float(step.student.shares[0]) != float(step.teacher.shares[0]), "the teacher draws its own"
        assert any(not torch.equal(step.student.partners, step.teacher.partners) for step in steps)
    mixed = mixer.student(batch.clips, batch.labels, batch.features, torch.Generator().manual_seed(4))
    step = mixer.draw(batch.labels, batch.features, torch.Generator().manual_seed(4))
    assert torch.equal(mixed.clips, mixer.student(batch.clips, batch.labels, batch.features, step).clips)


def test_lambda_follows_the_beta_law_of_its_module() -> None:
    """Variance of Beta(a, a) is 1 / (4 (2a + 1)): .0833 for 1, .0962 for .8."""
    labels, features = torch.eye(2).repeat(3000, 1), torch.zeros(6000, 1, 7, 1, 1)
    for switch, alpha in ((1.0, 1.0), (0.0, 0.8)):
        mixer = create_mixer("sv-mix", channels=7, switch=switch, per_sample=True)
        step = mixer.draw(labels, features, torch.Generator().manual_seed(1))
        for values, a in ((step.student.shares, alpha), (step.teacher.shares, 1.0)):
            assert float(values.mean()) == pytest.approx(0.5, abs=0.01)
            assert float(values.var()) == pytest.approx(1 / (4 * (2 * a + 1)), rel=0.04)


def test_each_clip_can_have_its_own_lambda_and_module(batch: Any, network: Any) -> None:
    mixer = create_mixer("sv-mix", channels=7, per_sample=True, switch_per_sample=True)
    step = mixer.draw(batch.labels, batch.features, torch.Generator().manual_seed(0))
    assert step.module == "each"
    assert 0 < int(step.spatial.sum()) < 6
    assert len(step.student.shares.unique()) == 6
    mask = mixer.partner_mask(batch.features, step.student, step, batch.size)
    for name, rows in (("spatial", step.spatial), ("temporal", ~step.spatial)):
        alone = mixer.partner_mask(batch.features, step.student, dataclasses.replace(step, module=name), batch.size)
        torch.testing.assert_close(mask[rows], alone[rows], rtol=0, atol=0)
    terms = mixer.teacher_loss(prepare_teacher(network), batch.clips, batch.labels, batch.features, step)
    mask = mixer.partner_mask(batch.features, step.teacher, step, batch.size)
    torch.testing.assert_close(terms["area"], 0.1 * area_loss(mask, step.teacher.shares, 0.1, per_sample=True))


def test_options_leave_out_what_they_name(batch: Any, network: Any) -> None:
    mixer = create_mixer("sv-mix", channels=7, labels="plain", area_weight=0.0, width=4, every=3, loss="binary")
    step = drawn(mixer, batch, 0.4)
    torch.testing.assert_close(mixer.student(batch.clips, batch.labels, batch.features, step).shares, step.student.shares)
    assert set(mixer.teacher_loss(prepare_teacher(network), batch.clips, batch.labels, batch.features, step)) == {"teacher"}
    assert mixer.selector.shared.out_features == 4
    assert [mixer.is_due(step) for step in range(5)] == [True, False, False, True, False]
    untrained = create_mixer("sv-mix-untrained", channels=7)
    assert untrained.teacher_loss(network, batch.clips, batch.labels, batch.features, step) == {}
    assert list(untrained.selector_parameters()) == []
    assert not untrained.is_due(0)
    seen = untrained.student(batch.clips, batch.labels, batch.features, step)
    assert torch.equal(
        seen.clips, create_mixer("sv-mix", channels=7).student(batch.clips, batch.labels, batch.features, step).clips
    )


@settings(max_examples=25, deadline=None)
@given(
    share=st.floats(0, 1), frames=st.integers(1, 9), height=st.integers(3, 17), width=st.integers(3, 17), seed=st.integers(0, 99)
)
def test_any_size_gives_labels_that_sum_to_one(share: float, frames: int, height: int, width: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    clips, labels = torch.rand(3, frames, 3, height, width, generator=generator), torch.eye(4)[[0, 1, 3]]
    features = 30 * torch.randn(3, max(1, frames // 2), 7, 3, 2, generator=generator)
    mixer = create_mixer("sv-mix", channels=7, mask="volume", smooth=bool(seed % 2))
    step = mixer.draw(labels, features, generator)
    step = dataclasses.replace(step, student=Branch(step.student.partners, torch.full((3,), share)))
    mixed = mixer.student(clips, labels, features, step)
    torch.testing.assert_close(mixed.labels.sum(1), torch.ones(3))
    assert ((mixed.shares >= 0) & (mixed.shares <= 1)).all()
    assert mixed.own is not None
    assert ((mixed.own >= 0) & (mixed.own <= 1)).all()
    assert ((mixed.clips >= 0) & (mixed.clips <= 1)).all()


def test_a_compiled_step_is_whole_and_gives_the_same(batch: Any, network: Any) -> None:
    mixer, teacher = create_mixer("sv-mix", channels=7), prepare_teacher(network)
    student = torch.compile(mixer.student, backend="aot_eager", fullgraph=True)
    learn = torch.compile(mixer.teacher_loss, backend="eager", fullgraph=True)
    step = drawn(mixer, batch, 0.4, module="spatial")
    plain, fast = (make(batch.clips, batch.labels, batch.features, step) for make in (mixer.student, student))
    torch.testing.assert_close(fast.clips, plain.clips)
    torch.testing.assert_close(fast.labels, plain.labels)
    gradients = []
    for make in (mixer.teacher_loss, learn):
        mixer.selector.zero_grad()
        sum(make(teacher, batch.clips, batch.labels, batch.features, step).values()).backward()
        gradients.append([parameter.grad.clone() for parameter in mixer.selector.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_under_autocast_product_and_sigmoid_are_float32(batch: Any, network: Any) -> None:
    mixer, step = create_mixer("sv-mix", channels=7), None
    step = drawn(mixer, batch, 0.4, module="spatial")
    plain = mixer.partner_mask(batch.features, step.student, step, batch.size)
    with torch.autocast("cpu", torch.bfloat16):
        mask = mixer.partner_mask(batch.features.bfloat16(), step.student, step, batch.size)
        mixed = mixer.student(batch.clips, batch.labels, batch.features.bfloat16(), step)
        terms = mixer.teacher_loss(prepare_teacher(network), batch.clips, batch.labels, batch.features.bfloat16(), step)
    assert mask.dtype == mixed.shares.dtype == mixed.labels.dtype == terms["teacher"].dtype == torch.float32
    torch.testing.assert_close(mask, plain, rtol=0, atol=0.02)
    assert len(mask.unique()) > 40, "bfloat16 has fewer values near one half than the cells of this batch"
    sum(terms.values()).backward()
    outside = mixer.partner_mask(batch.features.bfloat16(), step.student, step, batch.size)
    torch.testing.assert_close(outside, plain, rtol=0, atol=0.02)


def test_what_cannot_be_mixed_is_said_in_a_sentence(batch: Any) -> None:
    mixer = create_mixer("sv-mix", channels=9)
    with pytest.raises(DataError, match="made for features of 9 channels, not 7; make the mixer with channels="):
        mixer.mix(batch.clips, batch.labels, batch.features, torch.Generator())
    with pytest.raises(DataError, match="teacher's map"):
        mixer.mix(batch.clips, batch.labels, None, torch.Generator())
    with pytest.raises(ConfigError, match="channels="):
        create_mixer("sv-mix")
