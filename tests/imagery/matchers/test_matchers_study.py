"""Matchers taught on tiny icons: they learn, a cut training goes on to the same weights, and judges open them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from icon_families import COLOURS, tiny_family

from reverie.contrast.text.encoders import MeanOfWords
from reverie.errors import ConfigError, DataError, RunError
from reverie.imagery.judging.create import IMAGE_JUDGES, create_image_judge, judge_facts
from reverie.imagery.judging.picture_judge import PictureJudge
from reverie.imagery.judging.text_judge import SentenceVectors
from reverie.imagery.matchers.bench import Bench
from reverie.imagery.matchers.cells import PARTS, Found, MeasureCell, Taught, TeachCell
from reverie.imagery.matchers.kept import open_matcher
from reverie.imagery.matchers.learning import shares_of, teach
from reverie.imagery.matchers.matcher import load_matcher
from reverie.imagery.matchers.options import MatcherOptions
from reverie.imagery.matchers.pictures import read_pixels
from reverie.imagery.matchers.recipe import MATCHERS, MatchersRecipe
from reverie.imagery.matchers.report import shown
from reverie.imagery.matchers.retrieval import retrieve
from reverie.imagery.matchers.study import MatchersStudy
from reverie.imagery.matchers.towers import MiddleTower, PretrainedTower, looked, new_tower
from reverie.imagery.records import DepictedObject, Form, ObjectSet, Prompt
from reverie.imagery.renderers.collage.render import Collage
from reverie.imagery.roles import Scene
from reverie.nn.efficientnet import EfficientNetLite0
from reverie.study.run import run_study

FAMILIES = {name: tiny_family(name) for name in ("openmoji", "noto", "twemoji", "fluent-emoji-flat")}
TINY = {"tower": "small", "size": 32, "blocks": 2, "collages": 1, "block": 3, "views": 2, "dropout": 0.0}
LEARN = {"epochs": 2, "batch_size": 16, "learning_rate": 0.004, "schedule": "cosine"}
RECIPE: dict[str, Any] = {
    "name": "tiny",
    "matchers": {
        "judge": TINY | {"families": ["openmoji", "noto"], "training": LEARN, "seed": 0, "crops": 1},
        "loop": TINY | {"families": ["twemoji", "fluent-emoji-flat"], "training": LEARN, "seed": 1, "collages": 0},
    },
    "held_out": 0.2, "drawing": 24, "pictures": 12, "painted": 1,
}  # fmt: skip


def vectors() -> SentenceVectors:
    torch.manual_seed(0)
    return SentenceVectors(encoder=MeanOfWords(2048, 32, 2.0, 0.0))


def study(folder: Path) -> MatchersStudy:
    recipe = MATCHERS.parse(RECIPE, "tiny")
    return MatchersStudy(recipe, folder, Bench(recipe, FAMILIES, vectors()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("matchers") / "run"
    run_study(study(found), show=False, results=found.parent / "rows.csv")
    return found


def test_a_study_teaches_and_measures_every_part(folder: Path) -> None:
    again = study(folder)
    done = run_study(again, show=False)
    measured = {cell: one for cell, one in done.items() if isinstance(cell, MeasureCell) and isinstance(one, Found)}
    assert {cell.part for cell in measured} == set(PARTS)
    judged = {cell.part: one for cell, one in measured.items() if cell.matcher == "judge"}
    assert judged["seen"].pictures == min(12, 2 * int(again.bench.taught.sum()))
    assert judged["seen"].low1 <= judged["seen"].top1 <= judged["seen"].high1
    assert judged["names"].captions == len(COLOURS) - int(again.bench.taught.sum())
    rows = (folder.parent / "rows.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 2 * len(PARTS)
    assert isinstance(done[TeachCell("loop")], Taught)


def test_a_tower_learns_what_pictures_show(tmp_path: Path) -> None:
    options = MatcherOptions.model_validate(TINY | {"training": LEARN | {"epochs": 4, "learning_rate": 0.001}})
    bench, true = study(tmp_path / "study").bench, np.arange(96) % 8
    coarse = np.random.default_rng(0).integers(0, 2, (8, 4, 4, 1), dtype=np.uint8)
    pixels = 255 * np.kron(coarse, np.ones((1, 8, 8, 3), dtype=np.uint8))[true]
    torch.manual_seed(0)
    tower = new_tower(options, 32)
    losses = teach(tower, pixels, true[:, None], bench.vectors(bench.names), options, tmp_path / "state", lambda line: None)
    assert losses[-1] < 0.6 * losses[0]
    assert retrieve(looked(tower, pixels[:8]), bench.vectors(bench.names), true[:8]).first.value > 0.6


def test_trainings_with_equal_seeds_end_at_equal_weights_also_when_cut(tmp_path: Path) -> None:
    options = MatcherOptions.model_validate(TINY | {"training": LEARN | {"epochs": 3}})
    bench = study(tmp_path / "study").bench
    rng = np.random.default_rng(0)
    pixels, shown = rng.integers(0, 255, (40, 32, 32, 3), dtype=np.uint8), rng.integers(0, 8, (40, 1))
    names, digests = bench.vectors(bench.names), []

    class Cut(Exception):
        """Ends a training from outside."""

    def cut(line: str) -> None:
        if line.startswith("epoch 2"):
            raise Cut

    for name in ("whole", "cut"):
        torch.manual_seed(0)
        tower = new_tower(options, 32)
        if name == "cut":
            with pytest.raises(Cut):
                teach(tower, pixels, shown, names, options, tmp_path / name, cut)
            torch.manual_seed(5)
            tower = new_tower(options, 32)
        losses = teach(tower, pixels, shown, names, options, tmp_path / name, lambda line: None)
        assert len(losses) == (3 if name == "whole" else 1)
        digests.append(looked(tower, pixels))
    assert np.array_equal(digests[0], digests[1])


def test_shares_of_names() -> None:
    found = shares_of(np.array([[2, 0, -1], [1, -1, -1]]), 3)
    assert found == pytest.approx(np.array([[1 / 3, 0, 2 / 3], [0, 1, 0]]))


def test_retrieval_counts_ties_at_their_expected_value() -> None:
    pictures, captions = np.eye(3)[[0, 1, 2, 2]], np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    found = retrieve(pictures, captions, np.array([0, 2, 3, 2]))
    assert found.first.value == pytest.approx((0.5 + 1 + 1 + 0) / 4)
    assert found.five.value == 1.0
    assert "R@1 62.5%" in str(found)


def test_judges_open_trained_matchers(folder: Path) -> None:
    matcher = open_matcher("judge", folder, vectors())
    scene = Scene(Prompt(text="leaf"), ObjectSet(objects=(DepictedObject(phrase="leaf", icon="leaf"),)), Form(patterns=()), 0, 64)
    picture = Collage(FAMILIES["openmoji"]).render([scene])[0].png
    path = folder.parent / "leaf.png"
    path.write_bytes(picture)
    judge = PictureJudge(matcher, grids=(1, 2))
    scores = judge.scores([picture, path, path], ["leaf", "sun", "freedom"])
    assert scores.shape == (3, 3)
    assert np.allclose(scores[0], scores[1])
    assert np.array_equal(scores[1], scores[2])
    seen = judge.vectors([path])
    assert seen.shape == (1, 5, 32)
    assert np.allclose(np.linalg.norm(seen, axis=2), 1, atol=1e-5)
    whole = looked(matcher.tower, read_pixels(path, 32)[None].copy())
    assert np.allclose(seen[0, 0], whole[0], atol=1e-6)
    assert judge.scores([], ["leaf"]).shape == (0, 1)
    facts = [judge_facts(IMAGE_JUDGES, "matcher", {"name": name, "folder": str(folder)}) for name in ("judge", "loop")]
    assert facts[0]["weights"] == matcher.digest != facts[1]["weights"]


def test_a_recipe_of_one_matcher_leaves_the_others_where_they_are(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "run")
    before = json.loads((tmp_path / "run" / "matchers.json").read_text())
    assert set(before) == {"judge", "loop"}
    alone = RECIPE | {"matchers": {"loop": RECIPE["matchers"]["loop"] | {"dropout": 0.1}}}
    recipe = MATCHERS.parse(alone, "tiny")
    run_study(MatchersStudy(recipe, tmp_path / "run", Bench(recipe, FAMILIES, vectors())), show=False)
    after = json.loads((tmp_path / "run" / "matchers.json").read_text())
    assert after["judge"] == before["judge"]
    assert after["loop"] != before["loop"]
    assert open_matcher("loop", tmp_path / "run", vectors()).options.dropout == 0.1


def test_what_is_not_trained_is_told_in_one_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no trained matchers; run 'reverie imagery imagery-matchers --out .*' once"):
        create_image_judge("matcher", {"folder": str(tmp_path)})
    with pytest.raises(ConfigError, match="unknown matcher 'jugde' \\(did you mean 'judge'\\?\\)"):
        create_image_judge("matcher", {"name": "jugde", "folder": str(folder)})
    with pytest.raises(ConfigError, match="unknown judge of pictures 'mather'"):
        create_image_judge("mather", {})
    with pytest.raises(DataError, match=r"has no config.json; give a folder of CLIP's weights"):
        create_image_judge("clip", {"folder": str(tmp_path)})
    broken = tmp_path / "broken"
    broken.mkdir()
    place = next((folder / "matchers").glob("*/matcher.json"))
    (broken / "matcher.json").write_bytes(place.read_bytes())
    (broken / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(RunError, match="is not what was trained, by its SHA-256"):
        load_matcher(broken)


def test_trainings_must_be_disjoint() -> None:
    both = {"judge": {"families": ["noto"], "seed": 0}, "loop": {"families": ["noto", "twemoji"], "seed": 1}}
    with pytest.raises(ConfigError, match="'judge' and 'loop' are both taught on noto; give them families of their own"):
        MATCHERS.parse({"name": "x", "matchers": both}, "x")
    both["loop"] = {"families": ["twemoji"], "seed": 0}
    with pytest.raises(ConfigError, match="'judge' and 'loop' have the seed 0; give each its own"):
        MATCHERS.parse({"name": "x", "matchers": both}, "x")
    packaged: MatchersRecipe = MATCHERS.load("imagery-matchers")
    assert packaged.styles("judge") == ("twemoji", "fluent-emoji-flat")


def test_the_report_names_what_was_measured(folder: Path) -> None:
    again = study(folder)
    done = run_study(again, show=False)
    found = shown(again, done, "reverie imagery tiny")
    assert set(found.json["matchers"]["judge"]["retrieval"]) == set(PARTS)
    page = (folder / "report.html").read_text()
    assert "judge: small tower at 32 px, taught on 12 pictures" in page
    assert "names it was never taught, in styles it has never seen" in page


@pytest.mark.parametrize(("kind", "places"), [(PretrainedTower, (1, 1280)), (MiddleTower, (4, 112))])
def test_towers_on_frozen_features_save_none_of_them(kind: type[PretrainedTower | MiddleTower], places: tuple[int, int]) -> None:
    torch.manual_seed(0)
    tower = kind(32, 0.1, EfficientNetLite0().eval())
    prepared = tower.prepare(np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3), dtype=np.uint8))
    assert prepared.shape == (9, *places)
    vectors = looked(tower, prepared)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert sum(value.numel() for value in tower.state_dict().values()) < 2_000_000
    assert not any("stem" in name for name in tower.state_dict())
