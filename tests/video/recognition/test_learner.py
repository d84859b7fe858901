"""One update of a student, a selector and a running mean."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from reverie.nn.averaging import warmed_up
from reverie.seeds import torch_generator
from reverie.video.mixing.labels import one_hot, smooth
from reverie.video.networks.create import create_network
from reverie.video.recognition.config import RecognitionConfig
from reverie.video.recognition.learner import Learner
from reverie.video.recognition.mask_measures import measure_masks
from reverie.video.recognition.optimising import decay_groups
from reverie.video.recognition.task import RecognitionTask
from reverie.video.recognition.training import Training

Batch = Callable[..., tuple[Learner, torch.Tensor, torch.Tensor]]


@pytest.fixture
def batch(task: RecognitionTask, training: Callable[..., Training], tmp_path: Path) -> Batch:
    """A function that makes a learner with a mixer, and its first clips and labels."""

    def make(mixer: str, **options: object) -> tuple[Learner, torch.Tensor, torch.Tensor]:
        made = training(tmp_path, mixer, **options)
        clips, labels, _ = made.source.training(0)
        return made.learner.train(), clips, smooth(one_hot(labels, task.classes))

    return make


@pytest.mark.parametrize("shared", [False, True])
def test_the_students_loss_teaches_the_selector_only_where_that_is_asked(batch: Batch, shared: bool) -> None:
    learner, clips, labels = batch("sv-mix", shared_gradient=shared, switch=1.0, constant=0.0)
    terms, _ = learner.loss(clips, labels, torch_generator(0, "mixing"))
    terms["student"].backward()
    gradients = [parameter.grad for parameter in learner.selector_parameters()]
    assert any(one is not None and bool(one.abs().sum() > 0) for one in gradients) is shared


def test_the_teachers_terms_teach_the_selector_and_neither_network(batch: Batch) -> None:
    learner, clips, labels = batch("sv-mix")
    terms, _ = learner.loss(clips, labels, torch_generator(0, "mixing"))
    assert set(terms) == {"student", "teacher", "area"}
    (terms["teacher"] + terms["area"]).backward()
    assert any(bool(one.grad.abs().sum() > 0) for one in learner.selector_parameters() if one.grad is not None)
    assert all(parameter.grad is None for network in (learner.student, learner.mean) for parameter in network.parameters())


def test_the_mean_moves_parameters_only_and_its_statistics_are_its_own(batch: Batch) -> None:
    learner, clips, labels = batch("sv-mix")
    learner.student.train()(clips + 1)  # statistics that the mean must not take over
    norms = [name for name, _ in learner.student.named_buffers() if name.endswith("running_mean")]
    before = dict(learner.mean.network.named_buffers())
    kept = {name: before[name].clone() for name in norms}
    with torch.no_grad():
        for parameter in learner.student.parameters():
            parameter += 1.0
    weight = next(learner.mean.network.parameters()).clone()
    learner.after_step()
    assert torch.allclose(next(learner.mean.network.parameters()), weight + 9 / 11)  # decay 2/11 in the first update
    assert all(torch.equal(dict(learner.mean.network.named_buffers())[name], kept[name]) for name in norms)
    learner.loss(clips, labels, torch_generator(0, "mixing"))
    assert not any(torch.equal(dict(learner.mean.network.named_buffers())[name], kept[name]) for name in norms)


def test_without_a_teacher_the_mean_has_the_statistics_of_the_student(batch: Batch) -> None:
    learner, clips, labels = batch("mixup")
    terms, mixed = learner.loss(clips, labels, torch_generator(0, "mixing"))
    learner.after_step()
    assert set(terms) == {"student"}
    assert mixed.clips.shape == clips.shape
    student = dict(learner.student.named_buffers())
    assert all(torch.equal(value, student[name]) for name, value in learner.mean.network.named_buffers())


def test_the_selector_learns_at_every_kth_update(batch: Batch) -> None:
    learner, clips, labels = batch("sv-mix", every=3)
    terms = [set(learner.loss(clips, labels, torch_generator(0, "mixing"), step)[0]) for step in range(4)]
    assert [len(one) for one in terms] == [3, 1, 1, 3]


@pytest.mark.parametrize("mixer", ["sv-mix-random", "sv-mix-untrained", "saliency"])
def test_controls_look_at_features_and_learn_nothing(batch: Batch, mixer: str) -> None:
    learner, clips, labels = batch(mixer)
    terms, mixed = learner.loss(clips, labels, torch_generator(0, "mixing"))
    assert set(terms) == {"student"}
    assert not learner.selector_parameters()
    assert mixed.own is not None


def test_features_serve_for_several_epochs_where_that_is_asked(batch: Batch) -> None:
    learner, clips, _ = batch("sv-mix", reuse=2)
    rows = torch.tensor([3, 0, 5, 7])
    learner.mean.network.eval()
    made = learner.features(clips, 0, rows)
    assert torch.equal(learner.features(clips * 0, 1, rows), made)
    assert not torch.equal(learner.features(clips * 0, 2, rows), made)
    later = learner.features(clips, 2, torch.tensor([1, 0, 2, 4]))
    assert torch.equal(later[1], learner.features(clips * 0, 2, rows)[1])


def test_masks_of_a_method_that_moves_the_partner_are_measured_where_it_is_shown(
    training: Callable[..., Training], tmp_path: Path
) -> None:
    found = {}
    for mixer in ("resizemix", "cutmix"):
        made = training(tmp_path, mixer)
        found[mixer] = measure_masks(made.learner, made.source, 8, 0)
    assert found["resizemix"]["partner_object"] == pytest.approx(1.0, abs=1e-5)
    assert found["cutmix"]["partner_object"] < 0.9


@pytest.mark.parametrize(
    ("name", "options", "places"),
    [
        ("tsm", {"widths": [8, 8], "blocks": [1, 1], "strides": [1, 2]}, set()),
        (
            "mvit",
            {"dim": 8, "blocks": [1, 1]},
            {f"stages.{at}.0.attention.positions.{axis}.table" for at in (0, 1) for axis in range(3)},
        ),
        ("vit-space-time", {"dim": 24, "blocks": 1}, {"stem.time", "stem.place"}),
    ],
)
def test_weights_decay_and_places_biases_and_norms_do_not(name: str, options: dict[str, object], places: set[str]) -> None:
    network = create_network(name, 3, 4, 32, **options)
    decaying, rest = decay_groups(network, 0.05)
    names = {id(value): key for key, value in network.named_parameters()}
    assert (decaying["weight_decay"], rest["weight_decay"]) == (0.05, 0)
    still = {names[id(one)] for one in rest["params"]}
    assert {key for key in still if dict(network.named_parameters())[key].dim() > 1} == places
    assert {names[id(one)] for one in decaying["params"]} | still == set(names.values())
    assert all(key.endswith("weight") and ".norm" not in key for key in map(names.get, map(id, decaying["params"])) if key)


def test_an_embedding_does_not_decay_and_a_shared_weight_is_there_once() -> None:
    shared = torch.nn.Linear(4, 4)
    tied = torch.nn.Linear(4, 4, bias=False)
    tied.weight = shared.weight
    parts = torch.nn.ModuleList([torch.nn.Embedding(3, 4), shared, shared, tied])
    decaying, rest = decay_groups(parts, 0.1)
    assert [id(one) for one in decaying["params"]] == [id(shared.weight)]
    assert [id(one) for one in rest["params"]] == [id(parts[0].weight), id(shared.bias)]


@pytest.mark.parametrize("ema", [0.0, 0.5, 0.9, 0.95, 0.97, 0.98, 0.99, 0.999])
def test_it_is_said_from_which_update_the_decay_acts(ema: float) -> None:
    reached = RecognitionConfig(ema=ema).decay_reached_after()
    assert reached == next(t for t in range(1, 10_000) if warmed_up(ema, t) == pytest.approx(ema, abs=1e-12))
    assert RecognitionConfig(ema=ema, ema_warm_up=False).decay_reached_after() == 1
