"""The pipeline: one seed, one picture; an edit changes only what comes later; what is finished stays."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from tiny_workshop import OwnWorkshop, Painter

from reverie.data.sources.packages import require_package
from reverie.errors import ConfigError, DataError, RunError
from reverie.files import write_json
from reverie.imagery.chain_section import CHAIN, person_folder, sections
from reverie.imagery.imagined import FILE, Imagined, ImagineSettings, read_imagined
from reverie.imagery.many import imagine_gallery, imagine_senses
from reverie.imagery.page import PAGE, Shown, write_picture_page
from reverie.imagery.pipeline import imagine, with_records
from reverie.imagery.records import DepictedObject, Intent, ObjectSet

if TYPE_CHECKING:
    from reverie.imagery.workshop import Workshop

SETTINGS = ImagineSettings(concept="freedom", size=32, n_objects=3)


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools")


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def shop(tmp_path: Path, painter: Painter) -> OwnWorkshop:
    (tmp_path / "tools").mkdir()
    return OwnWorkshop(tmp_path / "tools", painter)


def _told(settings: ImagineSettings, folder: Path, shop: Workshop, before: Imagined | None = None) -> tuple[Imagined, str]:
    """Imagine, and return the first letters of what was done with each stage."""
    told: list[str] = []
    done = imagine(settings, folder, shop, before, lambda stage, how: told.append(how[0]))
    return done, "".join(told)


def test_a_seed_gives_one_picture_in_any_folder(tmp_path: Path, shop: OwnWorkshop) -> None:
    (tmp_path / "a").mkdir()
    first, told = _told(SETTINGS, tmp_path / "a", shop)
    again = imagine(SETTINGS, tmp_path / "b", shop)
    assert (told, first.digest) == ("mmmmm", again.digest)
    assert first.picture is not None
    assert first.picture.sha256 == again.picture.sha256  # type: ignore[union-attr]
    assert (tmp_path / "a" / FILE).read_bytes() == (tmp_path / "b" / FILE).read_bytes()
    other = imagine(SETTINGS.model_copy(update={"seed": 5}), tmp_path / "c", shop)
    assert other.digest != first.digest
    assert read_imagined(tmp_path / "a") == first
    assert {one.icon for one in first.objects.objects} >= {"broken-chain"}  # type: ignore[union-attr]
    assert _told(SETTINGS, tmp_path / "a", shop)[1] == "kkkkk"


def test_an_edited_object_changes_later_stages_only(tmp_path: Path, shop: OwnWorkshop) -> None:
    folder = tmp_path / "out"
    first = imagine(SETTINGS, folder, shop)
    text = (folder / FILE).read_text()
    assert text.count("broken chain") >= 2
    (folder / FILE).write_text(text.replace("  - phrase: broken chain", "  - phrase: open gate", 1))
    done, told = _told(SETTINGS, folder, shop)
    assert told[:2] == "ke"
    assert told[-2:] == "mm"
    assert (done.intent, done.objects.objects[0].phrase) == (first.intent, "open gate")  # type: ignore[union-attr]
    assert "open gate" in done.prompt.text  # type: ignore[union-attr]
    assert done.picture != first.picture
    again, told = _told(SETTINGS, folder, shop)
    assert (told, again) == ("kekkk", done)
    (folder / FILE).write_text((folder / FILE).read_text().replace("icon: dove", "icon: dov"))
    with pytest.raises(ConfigError, match=r"there is no icon 'dov' \(did you mean 'dove'\?\); leave 'icon' out"):
        _told(SETTINGS, folder, shop)


def test_two_edits_stay_and_what_is_between_is_made_again(tmp_path: Path, shop: OwnWorkshop) -> None:
    first = imagine(SETTINGS, tmp_path / "out", shop)
    prompt = first.prompt.model_copy(update={"text": "a gate, by hand"})  # type: ignore[union-attr]
    objects = ObjectSet(objects=(DepictedObject(phrase="gate"),), ranked_by="user")
    done, told = _told(SETTINGS, tmp_path / "out", shop, first.model_copy(update={"objects": objects, "prompt": prompt}))
    assert told == "kemem"
    assert done.prompt == prompt
    assert done.objects == objects


def test_other_settings_make_again_what_depends_on_them(tmp_path: Path, shop: OwnWorkshop, painter: Painter) -> None:
    first = imagine(SETTINGS, tmp_path / "out", shop)
    assert _told(SETTINGS.model_copy(update={"size": 48}), tmp_path / "out", shop)[1] == "kkkkm"
    given = SETTINGS.model_copy(update={"given": ("dove", "a big gate")})
    done, told = _told(given, tmp_path / "out", shop)
    assert told == "kmmmm"
    assert [(one.phrase, one.icon) for one in done.objects.objects] == [("dove", "dove"), ("big gate", None)]  # type: ignore[union-attr]
    none = SETTINGS.model_copy(update={"renderer": {"kind": "none"}})
    painted = painter.n_painted
    bare, told = _told(none, tmp_path / "none", shop)
    assert (told, bare.picture, painter.n_painted) == ("mmmm", None, painted)
    assert bare.prompt == first.prompt


def test_a_renderer_that_fails_loses_nothing(tmp_path: Path, shop: OwnWorkshop, painter: Painter) -> None:
    painter.fails = True
    with pytest.raises(RunError, match="out of paint"):
        imagine(SETTINGS, tmp_path / "out", shop)
    kept = read_imagined(tmp_path / "out")
    assert kept.prompt is not None
    assert kept.picture is None
    painter.fails = False
    done, told = _told(SETTINGS, tmp_path / "out", shop)
    assert (told, done.prompt) == ("kkkkm", kept.prompt)
    (tmp_path / "out" / "picture.png").write_bytes(b"scribbled over")
    assert _told(SETTINGS, tmp_path / "out", shop)[1] == "kkkkm"


def test_folders_and_files_that_do_not_fit_are_sentences(tmp_path: Path, shop: OwnWorkshop) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(ConfigError, match=r"holds other files \(letter.txt\); choose an empty folder"):
        imagine(SETTINGS, tmp_path / "full", shop)
    with pytest.raises(ConfigError, match="is a file"):
        imagine(SETTINGS, tmp_path / "full" / "letter.txt", shop)
    imagine(SETTINGS, tmp_path / "out", shop)
    with pytest.raises(ConfigError, match="holds 'freedom'; choose another folder"):
        imagine(SETTINGS.model_copy(update={"concept": "justice"}), tmp_path / "out", shop)
    text = (tmp_path / "out" / FILE).read_text()
    (tmp_path / "out" / FILE).write_text(text.replace("concreteness: ", "concretenes: ", 1))
    with pytest.raises(ConfigError, match=r"unknown option .*did you mean 'concreteness'"):
        imagine(SETTINGS, tmp_path / "out", shop)
    (tmp_path / "out" / FILE).write_text("just words")
    with pytest.raises(ConfigError, match="holds no mapping"):
        read_imagined(tmp_path / "out")
    with pytest.raises(DataError, match="does not exist"):
        read_imagined(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"WordNet has no noun 'fredom'"):
        imagine(SETTINGS.model_copy(update={"concept": "fredom"}), tmp_path / "new", shop)
    assert not (tmp_path / "new" / FILE).exists()


def test_records_from_elsewhere_count_as_made(tmp_path: Path, shop: OwnWorkshop) -> None:
    first = imagine(SETTINGS, tmp_path / "out", shop)
    objects = ObjectSet(objects=(DepictedObject(phrase="gate"),))
    before = with_records(SETTINGS, {"intent": first.intent, "objects": objects})  # type: ignore[dict-item]
    done, told = _told(SETTINGS, tmp_path / "other", shop, before)
    assert (told, done.objects) == ("kkmmm", objects)


def test_senses_side_by_side(tmp_path: Path, shop: OwnWorkshop) -> None:
    found = imagine_senses(SETTINGS, 5, tmp_path / "out", shop)
    assert [one["sense"] for one in found["senses"]] == ["freedom.n.01", "exemption.n.01"]
    assert len({one["digest"] for one in found["senses"]}) == 2
    again = imagine_senses(SETTINGS, 5, tmp_path / "out", shop)
    assert again["senses"] == found["senses"]
    assert Path(found["page"]).read_text().count("<img src=") == 2


def test_a_gallery_shows_each_concept_in_its_forms(tmp_path: Path, shop: OwnWorkshop, painter: Painter) -> None:
    found = imagine_gallery(SETTINGS, ["freedom", "justice"], 3, tmp_path / "out", shop)
    assert [(one["concept"], one["seed"]) for one in found["pictures"]] == [
        (c, s) for c in ("freedom", "justice") for s in range(3)
    ]
    shown = [read_imagined(Path(one["folder"])) for one in found["pictures"][:3]]
    assert len({one.objects.model_dump_json() for one in shown if one.objects}) == 1
    assert len({one.form.model_dump_json() for one in shown if one.form}) > 1
    html = Path(found["page"]).read_text()
    assert html.count("<img src=") == 6
    assert "inspired by TIAC" in html
    assert "<script" not in html
    painted = painter.n_painted
    assert imagine_gallery(SETTINGS, ["freedom", "justice"], 3, tmp_path / "out", shop)["pictures"] == found["pictures"]
    assert painter.n_painted == painted


def test_a_gallery_leaves_out_what_nothing_is_found_for(tmp_path: Path, shop: OwnWorkshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(lexicon: object, icons: object, intent: Intent, **rest: object) -> ObjectSet:
        if intent.concept == "justice":
            raise ConfigError("nothing physical is found for 'justice'; name objects")
        return ObjectSet(objects=(DepictedObject(phrase="gate"),))

    monkeypatch.setattr("reverie.imagery.stages.choose_objects", choose)
    found = imagine_gallery(SETTINGS, ["justice", "freedom"], 2, tmp_path / "out", shop)
    assert [one["concept"] for one in found["pictures"]] == ["freedom", "freedom"]
    assert found["lines"][-2] == "left out  justice: nothing physical is found for 'justice'; name objects"
    assert "justice: nothing physical" in Path(found["page"]).read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="for 'justice'"):
        imagine_gallery(SETTINGS, ["justice"], 2, tmp_path / "other", shop)


def test_an_unsafe_word_in_a_gloss_leaves_the_gloss_out(tmp_path: Path, shop: OwnWorkshop) -> None:
    first = imagine(SETTINGS, tmp_path / "a", shop)
    assert first.intent is not None
    assert first.prompt is not None
    assert first.intent.sense.gloss in first.prompt.text
    gloss = "what por" + "n lacks"
    intent = first.intent.model_copy(update={"sense": first.intent.sense.model_copy(update={"gloss": gloss})})
    done = imagine(SETTINGS, tmp_path / "b", shop, with_records(SETTINGS, {"intent": intent}))
    assert done.prompt is not None
    assert "lacks" not in done.prompt.text
    assert done.picture is not None


def test_the_page_escapes_what_a_person_wrote(tmp_path: Path, shop: OwnWorkshop) -> None:
    settings = SETTINGS.model_copy(update={"given": ('gate"><img onerror=x>',)})
    done = imagine(settings, tmp_path / "out", shop)
    html = write_picture_page(Shown(done, tmp_path / "out")).read_text()
    assert (tmp_path / "out" / PAGE).is_file()
    assert "<img onerror" not in html
    assert "freedom.n.01" in html


def test_pictures_of_people_stand_on_the_page_of_their_run(tmp_path: Path, shop: OwnWorkshop) -> None:
    run = tmp_path / "run"
    assert sections(run) == []
    told = {"oracle": "", "in_catalogue": "Heat", "nearest": ["Alien"], "top": "Fargo", "history": ["Clue"], "faithfulness": None}
    for user in ("u1", "a/b"):
        folder = person_folder(run, user)
        imagine(SETTINGS, folder, shop)
        write_json(folder / CHAIN, told | {"user": user})
    assert person_folder(run, "a/b") != person_folder(run, "a-b")
    assert person_folder(run, "a/b").parent == run / "imagined"
    (found,) = sections(run)
    page = "".join(block.to_html() for block in found.blocks)
    assert page.count("<img ") == 2
    assert all(word in page for word in ("User u1", "User a/b", "Alien", "Fargo", "Clue", "nearest to &#39;Heat&#39;"))
    write_json(person_folder(run, "u1") / CHAIN, {"user": "u1"})
    assert "cannot be read" in "".join(block.to_html() for block in sections(run)[0].blocks)


def test_a_failure_loses_no_edit_of_a_later_stage(tmp_path: Path, shop: OwnWorkshop) -> None:
    first = imagine(SETTINGS, tmp_path / "one", shop)
    assert first.prompt is not None
    mine = first.prompt.model_copy(update={"text": "my own words"})
    first.model_copy(update={"prompt": mine}).write(tmp_path / "one")
    with pytest.raises(DataError):
        imagine(SETTINGS.model_copy(update={"forms": str(tmp_path / "none.txt"), "seed": 4}), tmp_path / "one", shop)
    kept = read_imagined(tmp_path / "one")
    assert kept.prompt == mine
    assert kept.is_edited("prompt")
    assert imagine(SETTINGS, tmp_path / "one", shop).prompt == mine


def test_records_that_show_nothing_or_another_concept_are_refused(tmp_path: Path, shop: OwnWorkshop) -> None:
    done = imagine(SETTINGS, tmp_path / "one", shop)
    assert done.intent is not None
    done.model_copy(update={"objects": ObjectSet(objects=())}).write(tmp_path / "one")
    with pytest.raises(ConfigError, match="no object to show"):
        imagine(SETTINGS, tmp_path / "one", shop)
    done.model_copy(update={"intent": done.intent.model_copy(update={"concept": "hope"})}).write(tmp_path / "one")
    with pytest.raises(ConfigError, match="write the same word in both"):
        imagine(SETTINGS, tmp_path / "one", shop)
    with pytest.raises(ConfigError, match="holds a single picture"):
        imagine_gallery(SETTINGS, ["freedom"], 2, tmp_path / "one", shop)


def test_a_missing_package_is_a_sentence_and_sources_are_named(tmp_path: Path, shop: OwnWorkshop) -> None:
    require_package("json", "reading")
    with pytest.raises(ConfigError, match=r"drawing icons needs the package no_such_package, .* pip install 'reverie\[image\]'"):
        require_package("no_such_package", "drawing icons")
    page = write_picture_page(Shown(imagine(SETTINGS, tmp_path / "one", shop), tmp_path / "one")).read_text(encoding="utf-8")
    assert all(name in page for name in ("WordNet 3.0: Princeton University", "emojibase tags", "Lancaster Sensorimotor Norms"))
