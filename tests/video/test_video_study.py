"""The recognition study: cells, rows, resumption, comparisons and the page."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from reverie.errors import ConfigError, DataError
from reverie.study.call import Call
from reverie.study.run import find_finished, run_study
from reverie.video.augment.config import RandAugmentConfig
from reverie.video.cells import Baselines, Cell, Recognised, RecognitionCell, Result
from reverie.video.claims import claim_rows
from reverie.video.encoding import write_clip
from reverie.video.estimate import COST
from reverie.video.page import sentences
from reverie.video.prepare import prepare_folder
from reverie.video.preparing.options import PrepareOptions
from reverie.video.recipe import VIDEO, VideoRecipe
from reverie.video.recognition.measures import Measures
from reverie.video.results import packed, unpacked
from reverie.video.run import report, reread, shown
from reverie.video.study import VideoStudy, repeats
from reverie.video.summary import Row, Summary
from reverie.video.tables import mask_table

SETTINGS = (
    "methods.none-3x={kind: none, longer: 3}", "networks.tsm.set={widths: [8, 8], blocks: [1, 1], strides: [1, 2]}",
    "claims=[{first: sv-mix, other: none, why: learned}, {first: none, other: none, other_weights: student, why: averaged}]",
)  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[VideoRecipe, Path]:
    """The smoke form of the demo, run once, with its rows in a table."""
    folder = tmp_path_factory.mktemp("video")
    recipe = VIDEO.load("video-demo", SETTINGS, smoke=True)
    report(recipe, Call(folder / "study", "reverie video study video-demo --smoke", folder / "rows.csv", "cpu", True, False))
    return recipe, folder


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "rows.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_every_training_has_rows_under_both_weights_and_three_checkpoints(finished: tuple[VideoRecipe, Path]) -> None:
    recipe, folder = finished
    rows = _rows(folder)
    told = {row["method"] for row in rows if row["model"] == "baseline"}
    assert told == {"majority", "single-frame", "background"}
    rows = [row for row in rows if row["model"] != "baseline"]
    assert {row["method"] for row in rows} == set(recipe.methods)
    accuracies = [row for row in rows if row["metric"] == "accuracy" and row["slice"] == "all"]
    assert len(accuracies) == 4 * 2 * 3
    assert {row["clips"] for row in rows} == {"24"}
    assert {row["n"] for row in accuracies} == {"16"}
    assert len({row["dataset_sha256"] for row in rows}) == 1
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in accuracies)
    assert {row["best_epoch"] for row in accuracies if (row["method"], row["checkpoint"]) == ("none-3x", "last")} == {"12"}


def test_the_page_of_a_smoke_run_says_so_and_names_all_best_rows(finished: tuple[VideoRecipe, Path]) -> None:
    study, done = reread(finished[1] / "study")
    first, *_ = sentences(Summary(study.recipe, done))
    assert first.startswith("This is a smoke run")
    tied = {cell: replace(one, measures=_any_measures(done)) for cell, one in done.items() if isinstance(one, Recognised)}
    plain = Summary(study.recipe.model_copy(update={"name": "mine", "claims": ()}), tied)
    (said,) = sentences(plain)
    assert said.endswith(" alike.")
    assert all(method in said for method in study.recipe.methods)


def _any_measures(done: dict[Cell, Result | None]) -> Any:
    return next(one.measures for one in done.values() if isinstance(one, Recognised))


def test_a_finished_study_computes_nothing_and_reads_the_same(finished: tuple[VideoRecipe, Path]) -> None:
    recipe, folder = finished
    study, done = reread(folder / "study")
    assert len(done) == 5
    again = VideoStudy(recipe, folder / "study", "cpu")
    assert all(again.is_kept(cell) for cell in again.cells({}))
    before = (folder / "study" / "report.html").read_bytes()
    shown(study, done, "reverie video study video-demo --smoke")
    assert (folder / "study" / "report.html").read_bytes() == before


def test_the_same_training_elsewhere_gives_the_same_numbers(finished: tuple[VideoRecipe, Path], tmp_path: Path) -> None:
    recipe, folder = finished
    study = VideoStudy(recipe, tmp_path / "again", "cpu")
    cell = next(one for one in study.trainings() if one.method == "sv-mix")
    kept = VideoStudy(recipe, folder / "study", "cpu").run(cell, lambda _: None)
    found = study.run(cell, lambda _: None)
    assert isinstance(kept, Recognised)
    assert isinstance(found, Recognised)
    assert found.measures == kept.measures
    assert (found.curves, found.masks, found.sha256) == (kept.curves, kept.masks, kept.sha256)


def test_a_training_that_ends_tells_its_validation_and_not_its_test(finished: tuple[VideoRecipe, Path]) -> None:
    study, done = reread(finished[1] / "study")
    for cell, found in done.items():
        if isinstance(found, Recognised):
            assert isinstance(cell, RecognitionCell)
            valid = found.curves["valid_ema"][list(found.curves["step"]).index(found.measures["ema", "valid"].step)]
            expected = f"shapes-100, tsm, {cell.method}, seed 0 · validation {valid:.3f}"
            assert study.describe(cell, found) == expected
            changed = {key: replace(one, accuracy=0.123) for key, one in found.measures.items()}
            assert study.describe(cell, replace(found, measures=changed)) == expected
            assert study.describe(cell, replace(found, curves={})) == f"shapes-100, tsm, {cell.method}, seed 0"


def test_rows_alone_restore_what_they_hold(finished: tuple[VideoRecipe, Path], tmp_path: Path) -> None:
    recipe, folder = finished
    study = VideoStudy(recipe, tmp_path / "lost", "cpu")
    done = run_study(study, results=folder / "rows.csv", show=False)
    kept, _ = reread(folder / "study")
    for cell, found in done.items():
        assert found is not None
        wanted = kept.run(cell, lambda _: None)
        if isinstance(found, Baselines):
            assert isinstance(wanted, Baselines)
            assert found.accuracies == pytest.approx(wanted.accuracies, abs=1e-6)
            continue
        assert isinstance(wanted, Recognised)
        for key, one in found.measures.items():
            assert one.correct == wanted.measures[key].correct
            assert one.accuracy == wanted.measures[key].accuracy  # of the clips, not of a rounded number
            assert one.by_class == pytest.approx(wanted.measures[key].by_class, abs=1e-6)
        assert found.masks == pytest.approx(wanted.masks, rel=1e-4)
    summary = Summary(recipe, done)
    assert claim_rows(summary) == claim_rows(Summary(recipe, reread(folder / "study")[1]))
    assert len(find_finished(VideoStudy(recipe, tmp_path / "lost", "cpu"), folder / "rows.csv")) == len(done)
    assert shown(study, done, "again").json["rows"]


def test_the_page_is_one_file_with_every_method(finished: tuple[VideoRecipe, Path]) -> None:
    recipe, folder = finished
    page = (folder / "study" / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in (*recipe.methods, "optimistic", "Mixed clips"))
    assert "decay (1 + t) / (10 + t) in update t, 0.357 at the end of 4; 0.95 would be reached after 170" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_random_masks_are_told_beside_those_of_the_selector() -> None:
    recipe = VIDEO.load("video-demo", [*SETTINGS, "methods.sv-mix-random={kind: sv-mix-random}"], smoke=True)
    masks = {"area": 0.5, "entropy": 0.9, "spread": 0.01}
    done: dict[Cell, Result | None] = {
        RecognitionCell("shapes-100", "tsm", "sv-mix", 0): replace(_found([1], 0), masks=masks),
        RecognitionCell("shapes-100", "tsm", "sv-mix-random", 0): replace(
            _found([1], 0), masks=masks | {"entropy": 0.4, "spread": 0.3}
        ),
    }
    table = mask_table(Summary(recipe, done))
    assert table is not None
    both = "masks of sv-mix have entropy 0.900, spread 0.010 and those of sv-mix-random have entropy 0.400, spread 0.300"
    assert table.notes[1:] == [f"tsm on shapes-100: {both}."]
    del done[RecognitionCell("shapes-100", "tsm", "sv-mix", 0)]
    alone = mask_table(Summary(recipe, done))
    assert alone is not None
    assert len(alone.notes) == 1


def test_digits_hold_which_clips_were_right() -> None:
    correct = (1, 0, 0, 1, 1, 1, 0, 1, 0, 1)
    assert packed(correct) == "9d40"
    assert unpacked("9d40", 10) == correct
    assert unpacked("", 10) == ()
    with pytest.raises(ValueError, match="digits in the column 'right' for 10 clips"):
        unpacked("9d", 10)


def _found(correct: list[int], seed: int) -> Recognised:
    one = Measures(fmean(correct), 0.1, 1.0, {"a": 0.5}, tuple(correct), 10)
    names = {(weights, name): one for weights in ("student", "ema") for name in ("last", "valid", "best-test")}
    return Recognised(names, {}, {}, 1.0, 0.1, 100.0, 10, 20, "0" * 64, "folds", f"c{seed}")  # type: ignore[arg-type]


def _of_shares(values: Mapping[str, list[float]], folds: int = 0) -> Summary:
    """A summary of trainings that are right on so many of ten clips, at seeds 0 … of as many folds."""
    recipe = VIDEO.load("video-demo", [*SETTINGS, f"sets.shapes-100.folds={folds}"], smoke=True)
    done: dict[Cell, Result | None] = {}
    for method, tenths in values.items():
        for seed, right in enumerate(tenths):
            fold = seed % folds if folds else -1
            done[RecognitionCell("shapes-100", "tsm", method, seed, fold)] = _found([1] * int(right) + [0] * int(10 - right), seed)
    return Summary(recipe, done)


def test_comparisons_are_students_t_over_seeds_that_both_have() -> None:
    from scipy import stats

    summary = _of_shares({"none": [4, 5, 4, 6, 5], "sv-mix": [6, 7, 7, 7, 8, 1]})  # the last without its partner
    first, same = claim_rows(summary)
    theirs = stats.ttest_rel([0.6, 0.7, 0.7, 0.7, 0.8], [0.4, 0.5, 0.4, 0.6, 0.5])
    assert (first["first"], first["other"]) == ("tsm/sv-mix@ema", "tsm/none@ema")
    assert (first["difference"], first["first_value"], first["other_value"]) == pytest.approx((0.22, 0.7, 0.48))
    assert (first["p"], first["p_holm"]) == pytest.approx((theirs.pvalue, theirs.pvalue))
    assert (first["test"], first["seeds"], first["n"]) == ("paired_t", "5/5", 5)
    assert (same["difference"], same["p"], same["p_holm"]) == (0, None, None)
    ends = summary.interval(Row("shapes-100", "tsm", "none"))
    theirs = stats.ttest_1samp([0.4, 0.5, 0.4, 0.6, 0.5], 0).confidence_interval(0.95)
    assert ends == pytest.approx((theirs.low, theirs.high))


def test_the_seeds_of_a_fold_are_one_value() -> None:
    from scipy import stats

    summary = _of_shares({"none": [4, 5, 4, 2, 3, 4], "sv-mix": [6, 7, 4, 3, 3, 5]}, folds=3)
    (first, _) = claim_rows(summary)
    theirs = stats.ttest_rel([0.45, 0.5, 0.45], [0.3, 0.4, 0.4])  # folds 0, 1, 2 at seeds 0, 1, 2 and 3, 4, 5
    assert (first["difference"], first["p"]) == pytest.approx((0.1, theirs.pvalue))
    assert (first["seeds"], first["n"]) == ("3/3", 3)


def test_one_training_and_equal_differences_show_nothing() -> None:
    for values in ({"none": [4], "sv-mix": [6]}, {"none": [4, 5], "sv-mix": [6, 7]}):
        first, _ = claim_rows(_of_shares(values))
        assert first["difference"] == pytest.approx(0.2)
        assert (first["low"], first["p"], first["p_holm"]) == (None, None, None)
    assert _of_shares({"none": [4]}).interval(Row("shapes-100", "tsm", "none")) is None


def test_folds_are_trained_at_seeds_of_their_own() -> None:
    assert repeats(VIDEO.load("video-100-tsm").sets["shapes-100"], 5) == [(seed, -1) for seed in range(5)]
    twice = VIDEO.load("video-fight-tsm").sets["fight-300"].model_copy(update={"seeds": 2})
    assert repeats(twice, 5) == [(again * 5 + fold, fold) for again in range(2) for fold in range(5)]


@pytest.mark.parametrize("network", ["tsm", "mvit"])
def test_parts_of_the_study_differ_by_their_clips_alone(network: str) -> None:
    first, *others = (VIDEO.load(f"video-{clips}-{network}") for clips in ("500", "100", "colours", "fight"))
    assert {"none-3x", "sv-mix", "sv-mix-random", "sv-mix-untrained", "saliency"} < set(first.methods)
    for key in ("networks", "methods", "training", "claims"):
        assert all(getattr(one, key) == getattr(first, key) for one in others)
    large = VIDEO.load(f"video-2000-{network}")
    assert large.networks == first.networks
    assert {"fmix", "resizemix", "saliency", "sv-mix-random", "sv-mix-untrained"} < set(large.methods)
    assert all(first.methods[name] == row for name, row in large.methods.items())


@pytest.mark.parametrize("network", ["tsm", "mvit"])
def test_rows_of_no_less_compute_than_sv_mix_are_compared_with_it(network: str) -> None:
    recipe = VIDEO.load(f"video-500-{network}")
    longer = {name: row for name, row in recipe.methods.items() if row.longer > 1}
    assert set(longer) == {"none-3x", *(f"videomix-{way}-3x" for way in ("spatial", "temporal", "tube"))}
    assert all(row.longer > COST["sv-mix"] for row in longer.values())
    compared = {(claim.other, claim.checkpoint) for claim in recipe.claims if claim.first == "sv-mix"}
    assert {(name, "valid") for name in longer} < compared
    assert {(name, "last") for name in ("none", "videomix-spatial", "videomix-temporal", "videomix-tube")} < compared
    changed = recipe.training_of("shapes-500", network, "rand-augment").augment
    assert changed.rand_augment == RandAugmentConfig()
    assert changed.model_copy(update={"rand_augment": None}) == recipe.training_of("shapes-500", network, "none").augment


def test_the_object_of_generated_clips_is_in_view_at_a_test(tmp_path: Path) -> None:
    import torch

    from reverie.video.recognition.batches import ClipBatches

    recipe = VIDEO.load("video-demo", ["sets.shapes-100.clips=20", "sets.shapes-100.test=100"])
    task = VideoStudy(recipe, tmp_path, "cpu").tasks.open(RecognitionCell("shapes-100", "tsm", "none", 0))
    config = recipe.training_of("shapes-100", "tsm", "none")
    assert task.clips.size == (config.size, config.size)
    seen = ClipBatches(task, config, 0, torch.device("cpu")).measured(task.test)
    assert task.masks is not None
    assert task.masks[task.test].any((2, 3)).all()
    assert seen.shape[-2:] == task.masks.shape[-2:]


@pytest.mark.parametrize("kind", ["ablations", "options"])
@pytest.mark.parametrize(("clips", "name"), [("fight", "fight-300"), ("500", "shapes-500")])
def test_ablations_share_the_training_of_the_row_that_they_are_compared_with(kind: str, clips: str, name: str) -> None:
    part, main = VIDEO.load(f"video-{kind}-{clips}"), VIDEO.load(f"video-{clips}-tsm")
    assert (part.sets, part.networks, part.methods["sv-mix"]) == (main.sets, main.networks, main.methods["sv-mix"])
    assert part.training_of(name, "tsm", "sv-mix") == main.training_of(name, "tsm", "sv-mix")


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("networks.tsm.training={learning_rte: 1}", "unknown option 'learning_rte' (did you mean 'learning_rate'?)"),
        ("claims=[{first: svmix, other: none, why: x}]", "unknown name 'svmix' (did you mean 'sv-mix'?)"),
        ("sets.shapes-100.clips=null", "sets.shapes-100.clips is missing"),
        ("sets.shapes-100.set={motion: [left]}", "unknown option 'motion' (did you mean 'motions'?)"),
        ("sets.shapes-100.set={clips: 4}", "sets.shapes-100.set.clips: the study says it"),
        ("methods.none.set={alpha: 1}", "unknown option 'alpha'"),
        ("networks.tsm.set={width: [8]}", "unknown option 'width' (did you mean 'widths'?)"),
        ("networks.tsm.kind=tsn", "unknown video network 'tsn' (did you mean 'tsm'?)"),
        ("methods.none.kind=mixip", "unknown mixer 'mixip' (did you mean 'mixup'?)"),
    ],
)
def test_a_wrong_setting_is_one_sentence_before_anything_is_trained(setting: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        VideoStudy(VIDEO.load("video-demo", [setting], smoke=True), tmp_path / "study", "cpu")
    assert sentence in str(caught.value)
    assert not (tmp_path / "study").exists()


def test_clips_of_one_class_are_refused(finished: tuple[VideoRecipe, Path]) -> None:
    from reverie.video.clip_set import ClipSet
    from reverie.video.recognition.task import RecognitionTask

    clips = ClipSet.from_arrays("own", np.zeros((4, 2, 8, 8, 3), np.uint8), np.array([0, 0, 0, 1]), ["a", "b"])
    one, two, three = np.array([0, 1]), np.array([2]), np.array([3])
    with pytest.raises(DataError, match="own: all clips to learn from are of one class"):
        RecognitionTask(clips, one, two, three)
    with pytest.raises(DataError, match="own: a clip stands in two parts"):
        RecognitionTask(clips, np.array([0, 3]), three, two)
    with pytest.raises(DataError, match="no clip is left for the part 'valid'"):
        RecognitionTask(clips, np.array([0, 3]), two[:0], two)


def test_the_decay_of_the_mean_acts_within_every_packaged_recipe() -> None:
    from reverie.nn.averaging import warmed_up

    for name in VIDEO.files():
        training = VIDEO.load(name).training
        assert warmed_up(training.ema, training.steps * 3 // 4) == training.ema


def test_every_packaged_recipe_can_be_read() -> None:
    for name in VIDEO.files():
        for smoke in (False, True):
            recipe = VIDEO.load(name, smoke=smoke)
            for clips in recipe.sets:
                for network in recipe.networks:
                    for method in recipe.methods:
                        assert recipe.training_of(clips, network, method).steps >= 1


def test_kept_networks_are_found_loaded_and_are_those_that_were_measured(finished: tuple[VideoRecipe, Path]) -> None:
    import torch

    from reverie.errors import RunError
    from reverie.video.recognition.batches import ClipBatches
    from reverie.video.recognition.predictions import predict
    from reverie.video.recognition.saved import find_recogniser, load_recogniser

    recipe, folder = finished
    with pytest.raises(RunError, match="holds 4 trained networks of video; name one of them"):
        find_recogniser(folder / "study")
    with pytest.raises(RunError, match="holds no trained network of video"):
        find_recogniser(folder)
    study, done = reread(folder / "study")
    for cell, found in done.items():
        if not isinstance(cell, RecognitionCell) or not isinstance(found, Recognised):
            continue
        network, mixer, saved = load_recogniser(found.folder)
        assert (saved.about["mixer"], saved.classes) == (recipe.methods[cell.method].kind, study.tasks.open(cell).clips.classes)
        config, task = recipe.training_of(cell.clips, cell.network, cell.method), study.tasks.open(cell)
        chances = predict(network, ClipBatches(task, config, cell.seed, torch.device("cpu")), task.test)
        correct = chances.argmax(axis=1) == task.clips.labels[task.test]
        assert tuple(map(int, correct)) == found.measures["ema", "last"].correct
        assert (getattr(mixer, "selector", None) is not None) is (cell.method == "sv-mix")
    pictures = sorted((folder / "study").rglob("filmstrip.png"))
    assert len(pictures) == 2  # nothing is mixed in the others
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_no_picture_of_real_persons_is_made(finished: tuple[VideoRecipe, Path], tmp_path: Path) -> None:
    values = [*SETTINGS, "sets.shapes-100.real_persons=true", "methods={none: {kind: none}}", "claims=[]", "training.steps=1"]
    study = VideoStudy(VIDEO.load("video-demo", values, smoke=True), tmp_path / "shy", "cpu")
    done = {cell: study.run(cell, lambda _: None) for cell in study.cells({})}
    assert not list((tmp_path / "shy").rglob("*.png"))
    shown(study, done, "x")
    assert "<image" not in (tmp_path / "shy" / "report.html").read_text(encoding="utf-8")
    assert not VideoStudy(VIDEO.load("video-fight-tsm", smoke=True), tmp_path / "fight").tasks.may_be_shown("fight-300")


@pytest.mark.parametrize(
    ("labels", "folds", "sentence"), [("aabb", 0, "has no folds and no parts"), ("aaaa", 2, "are of one class")]
)
def test_clips_that_cannot_be_split_leave_no_folder(tmp_path: Path, labels: str, folds: int, sentence: str) -> None:
    for number, label in enumerate(labels * 2):
        place = tmp_path / "videos" / label / f"{number}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        write_clip(place, np.full((4, 24, 24, 3), 20 * number, np.uint8), 8.0)
    prepare_folder(tmp_path / "videos", tmp_path / "ready", PrepareOptions(size=24))
    settings = (f"sets={{mine: {{kind: '{tmp_path / 'ready'}', folds: {folds}}}}}", "training.size=19")
    with pytest.raises(DataError, match=sentence):
        VideoStudy(VIDEO.load("video-demo", settings, smoke=True), tmp_path / "study", "cpu")
    assert not (tmp_path / "study").exists()
