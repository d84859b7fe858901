"""Whatever is wrong: one sentence on standard error, exit code 2, nothing half-written."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HEADER = "user,item,timestamp\n"
GOOD = HEADER + "".join(f"{user},{item},{10 * user + item}\n" for user in range(6) for item in range(5))
JARGON = ("pydantic", "validation error", "Input should", "Traceback", "Errno", "type=", "NoneType", "polars")


def _refused(answer: object, *fragments: str) -> str:
    assert answer.code == 2, (answer.out, answer.err)  # type: ignore[attr-defined]  # an Answer of conftest
    assert answer.out == ""  # type: ignore[attr-defined]
    message: str = answer.err  # type: ignore[attr-defined]
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    for word in JARGON:
        assert word not in message
    for fragment in fragments:
        assert fragment in message
    return message


def test_a_group_alone_prints_its_help(ask: Callable) -> None:
    answer = ask("data")
    assert answer.code == 2
    assert "describe" in answer.out
    assert answer.err == ""


FILES = [
    ("no user", b"who,item\n1,2\n", ("clicks.csv", "who, item", "--user")),
    ("wrong type", (GOOD + "1,9,soon\n").encode(), ("clicks.csv", "row 31, column 'timestamp'", "'soon'")),
    ("empty", b"", ("clicks.csv is empty",)),
    ("only a header", HEADER.encode(), ("clicks.csv has no rows",)),
    ("a broken row", (GOOD + "1,2\n3,4,5\n").encode(), ("clicks.csv", "line 32")),
    ("another encoding", GOOD.encode() + b"1,caf\xe9,7\n", ("clicks.csv", "line 32", "UTF-8")),
    ("a missing id", (GOOD + ",4,7\n").encode(), ("clicks.csv", "row 31 has no value in column 'user'")),
    ("too little", (HEADER + "1,2,1600000000\n").encode(), ("no user of 'clicks' has three events",)),
]


@pytest.mark.parametrize(("content", "fragments"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
@pytest.mark.parametrize("verb", ["compare", "describe"])
def test_files(ask: Callable, tmp_path: Path, verb: str, content: bytes, fragments: tuple[str, ...]) -> None:
    (tmp_path / "clicks.csv").write_bytes(content)
    if verb == "describe":
        if "no user of" in fragments[0]:
            pytest.skip("such a log can be described")
        _refused(ask("data", "describe", "clicks.csv"), *fragments)
    else:
        _refused(ask("compare", "clicks.csv", "--models", "popularity", "--quiet"), *fragments)
    assert [path.name for path in tmp_path.iterdir()] == ["clicks.csv"]


def test_a_catalogue_with_duplicated_ids(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item,title\na01,A\na02,B\na01,C\n")
    answer = ask("compare", "clicks.csv", "--catalog", "items.csv", "--models", "popularity", "--quiet")
    _refused(answer, "items.csv lists item a01 twice, in rows 1 and 3")
    assert not (tmp_path / "runs").exists()


WORDS = [
    ("train nothing-here", ("no recipe 'nothing-here'", "reverie recipes list")),
    ("train rl-session", ("no recipe 'rl-session'", "'rl-session' is a recipe of 'reverie rl'")),
    ("rl redteam-demo", ("'redteam-demo' is a recipe of 'reverie redteam run'",)),
    ("content sasrec-beauty", ("'sasrec-beauty' is a recipe of 'reverie train'",)),
    ("train sasrec-beuty", ("did you mean 'sasrec-beauty'?",)),
    ("train sasrec-beauty --set model.dims=8", ("unknown option 'dims' (did you mean 'dim'?)",)),
    ("train sasrec-beauty --set training.epoch=8", ("unknown option 'training.epoch' (did you mean 'epochs'?)",)),
    ("train sasrec-beauty --set training.epochs=many", ("option 'training.epochs' must be a whole number, not 'many'",)),
    ("train sasrec-beauty --set training.epochs=0", ("option 'training.epochs' must be greater than 0, not 0",)),
    ("train sasrec-beauty --set training.schedule=linear", ("must be 'constant' or 'cosine', not 'linear'",)),
    ("train sasrec-beauty --set split.protocol=temporl", ("unknown value 'temporl' (did you mean 'temporal'?)",)),
    ("train sasrec-beauty --set split.protocol=by_users", ("did you mean 'by_user'?",)),
    ("train sasrec-beauty --set model.objective.kind=adnce", ("(write kind: contrastive, loss: {kind: adnce, ...})",)),
    ("train sasrec-beauty --set model.objective.kind=bse", ("unknown value 'bse' (did you mean 'bce'?)",)),
    ("train sasrec-beauty --set model.objective.negatives.m=3", ("unknown option 'objective.negatives.m'",)),
    ("train sasrec-beauty --set model.heads=3", ("dim=64 is not a multiple of heads=3",)),
    ("train sasrec-beauty --set dataset.item_core=-1", ("must be greater than or equal to 0, not -1",)),
    ("train sasrec-beauty --set name.x=1", ("'name' holds a value, not options",)),
    ("train sasrec-beauty --set training=1", ("option 'training' must be a mapping of options, not 1",)),
    ("train sasrec-beauty --set training.epochs", ("--set takes key=value",)),
    ("train sasrec-beauty --set training.epochs=[1", ("not valid YAML",)),
    ("train sasrec-beauty --set model.name=sasrek", ("unknown model 'sasrek' (did you mean 'sasrec'?)",)),
    ("train sasrec-beauty --set dataset.name=amazon-buty", ("did you mean 'amazon-beauty'?",)),
    ("train sasrec-beauty --offline", ("dataset 'amazon-beauty' cannot be had", "REVERIE_DATA")),
    ("compare ml-100kk", ("'ml-100kk' is no dataset (did you mean 'ml-100k'?)", "check the path")),
    ("compare missing.csv", ("no such file exists",)),
    ("compare a.csv b.csv", ("cannot be compared; give one dataset or file",)),
    ("compare a.csv --models popularty", ("unknown model 'popularty' (did you mean 'popularity'?)",)),
    ("data fetch ml-100kk", ("unknown dataset 'ml-100kk' (did you mean 'ml-100k'?)",)),
    ("models sasrek", ("unknown model 'sasrek' (did you mean 'sasrec'?)",)),
    ("recipes copy sasrec-beuty", ("unknown recipe 'sasrec-beuty' (did you mean 'sasrec-beauty'?)",)),
    ("recipes validate nowhere.yaml", ("no recipe 'nowhere.yaml'",)),
    ("train sasrec-beauty --set training.epochs=!!int_x", ("the tag '!!int_x'", "leave it out")),
    ("train sasrec-beauty --set training.learning_rate=.inf", ("must be a finite number, not inf",)),
    ("train sasrec-beauty --set training.seed=99999999999999999999", ("beyond 64 bits",)),
    ("train sasrec-beauty --set model.blocks=1000000000", ("must be less than or equal to 1000",)),
    ("train sasrec-beauty --device abacus", ("device 'abacus' cannot be used on this machine",)),
    ("train sasrec-beauty --device meta", ("device 'meta' cannot be used on this machine",)),
    ("compare a.csv --models ,", ("--models names no model",)),
    ("sweep sasrec-beauty --trials 1000000000000", ("option 'sweep.trials' must be less than or equal to 10000",)),
    ('sweep sasrec-beauty --set sweep.space.dim={"low":1,"high":.inf}', ("'high' must be a finite number",)),
    ("robustness robustness-filmtrust --set budgets=[]", ("option 'budgets'",)),
    ("evaluate nowhere", ("nowhere is no run folder",)),
    ("recommend nowhere Heat", ("nowhere holds no model",)),
]


@pytest.mark.parametrize(("words", "fragments"), WORDS, ids=[words for words, _ in WORDS])
def test_words(ask: Callable, tmp_path: Path, words: str, fragments: tuple[str, ...]) -> None:
    _refused(ask(*words.split(), *(["--quiet"] if words.startswith("compare") else [])), *fragments)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != "recipe.yaml"] == []


USAGE = [
    ("train", "missing argument 'recipe'; see '", "train --help'"),
    ("train a b", "unexpected extra argument"),
    ("train x --epochs 3", "no such option: --epochs"),
    ("compare a --seeds 0", "'--seeds': it must be greater than or equal to 1"),
    ("recomend x", "no such command 'recomend'; did you mean 'recommend'?"),
    ("recommend x -k 0", "'-k': it must be greater than or equal to 1"),
    ("imagine hope --seed x", "'--seed': it must be a valid integer"),
    ("redteam run --calls", "no such option: --calls", "redteam run --help'"),
]


@pytest.mark.parametrize("case", USAGE, ids=[case[0] for case in USAGE])
def test_usage(ask: Callable, case: tuple[str, ...]) -> None:
    words, *fragments = case
    _refused(ask(*words.split()), *fragments)


RECOMMEND = [
    ((), "give titles, or --user, or --all; exactly one of them"),
    (("Tale 01", "--user", "100"), "exactly one of them"),
    (("The Wizard of Oz",), "no item has the id or title 'The Wizard of Oz'; the nearest titles are"),
    (("--user", "7"), "user '7' is not in the dataset"),
    (("Tale 01", "--allow", "nowhere.txt"), "nowhere.txt does not exist"),
    (("Tale 01", "--deny", "latin.txt"), "latin.txt is not UTF-8 at byte 3"),
    (("Tale 01", "--allow", "none.txt"), "leave nothing to recommend"),
    (("Tale 01", "--device", "cuda:77"), "device 'cuda:77' cannot be used"),
]


@pytest.mark.parametrize(("words", "fragment"), RECOMMEND, ids=[message for _, message in RECOMMEND])
def test_recommend(ask: Callable, trained: Path, tmp_path: Path, words: tuple[str, ...], fragment: str) -> None:
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    (tmp_path / "none.txt").write_text("\n")
    _refused(ask("recommend", trained, *words), fragment)


@pytest.mark.parametrize(
    ("words", "fragment"),
    [
        (("--on", "training"), "--on takes valid or test"),
        (("--seen", "hide"), "--seen takes remove or keep"),
        (("--metrics", "recal@10"), "recal"),
        (("--metrics", "recall@x"), "recall@x"),
    ],
)
def test_evaluate(ask: Callable, trained: Path, words: tuple[str, ...], fragment: str) -> None:
    _refused(ask("evaluate", trained, *words), fragment)


@pytest.mark.parametrize("models", ["", " "])
def test_no_model_to_compare(ask: Callable, clicks: Path, models: str) -> None:
    _refused(ask("compare", "clicks.csv", "--models", models), "--models names no model")


def test_cut_offs_beyond_the_catalogue_are_those_of_the_catalogue(ask: Callable, trained: Path) -> None:
    found = {k: ask("evaluate", trained, "--json", "--metrics", f"ndcg@{k},recall@{k},mrr@{k},map@{k}") for k in (20, 10**15)}
    small, large = ([row["value"] for row in json.loads(one.out)] for one in found.values())
    assert small == large
    _refused(ask("evaluate", trained, "--metrics", f"ndcg@{10**20}"), "of at most 18 digits")


@pytest.mark.parametrize(
    ("key", "value"), [("dim", 3_000_000_000), ("history", 3_000_000_000), ("multiple", 10**12), ("dim", 2**52)]
)
def test_a_model_beyond_memory(ask: Callable, clicks: Path, tmp_path: Path, key: str, value: int) -> None:
    answer = ask("train", "tiny.yaml", "--set", f"model.{key}={value}", "--quiet", "--device", "cpu")
    _refused(answer, "the weights of model 'sasrec'", "use smaller options")


def test_another_recipe_in_the_same_folder(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    train = ("train", "tiny.yaml", "--device", "cpu", "--quiet")
    assert ask(*train).code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    _refused(ask(*train, "--set", "training.epochs=3"), "runs/tiny holds a run of another recipe", "--out")
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_runs_of_different_datasets_are_not_compared(ask: Callable, clicks: Path, tmp_path: Path, trained: Path) -> None:
    clicks.write_text("\n".join(clicks.read_text().splitlines()[:-1]) + "\n")
    assert ask("train", "tiny.yaml", "--device", "cpu", "--quiet").code == 0
    _refused(ask("compare", "runs/tiny", trained), "differ in dataset or split")


def test_weights_of_another_model_and_of_another_version(ask: Callable, trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    described = json.loads((run / "model" / "model.json").read_text())
    wider = described | {"options": described["options"] | {"dim": 32}}
    (run / "model" / "model.json").write_text(json.dumps(wider))
    _refused(ask("recommend", run, "Tale 01"), "holds weights of another model than 'sasrec'", "train it again")
    (run / "model" / "model.json").write_text(json.dumps(described | {"format": 99}))
    _refused(ask("recommend", run, "Tale 01"), "has format 99, this version reads 1")
    (run / "model" / "model.json").write_text(json.dumps(described))
    weights = run / "model" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    _refused(ask("recommend", run, "Tale 01"), "weights.safetensors cannot be read")
    (run / "recipe.yaml").write_text("name: old\nlayers: 3\n")
    _refused(ask("evaluate", run), "holds a run that this version cannot read", "unknown option 'layers'")


def test_an_unfinished_run_is_not_evaluated(ask: Callable, trained: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    (run / "result.json").unlink()
    _refused(ask("evaluate", run), "is not finished; give its 'reverie train' command again to go on")


def _limited(words: list[str], folder: Path, largest: int) -> subprocess.CompletedProcess[str]:
    """Run a command that cannot write a file beyond a size: a real error of the system in the middle of a write."""
    import signal

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    return subprocess.run(
        [sys.executable, "-B", "-m", "reverie", *words],
        cwd=folder,
        preexec_fn=limit,  # the only way to set a limit for a child
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"MPLCONFIGDIR": str(folder / "cache")},
    )


def _sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("read as: ")]
    assert len(said) == 1
    assert said[0].startswith("error: cannot write ")
    assert "File too large; free some space" in said[0]
    return said[0]


def test_a_full_disk_while_converting_leaves_the_old_file(clicks: Path, tmp_path: Path) -> None:
    (tmp_path / "out.parquet").write_text("before")
    done = _limited(["data", "convert", "clicks.csv", "out.parquet"], tmp_path, 1000)
    _sentence(done)
    assert (tmp_path / "out.parquet").read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clicks.csv", "items.csv", "out.parquet", "tiny.yaml"]


def test_a_full_disk_while_training_can_be_mended(ask: Callable, clicks: Path, tmp_path: Path) -> None:
    words = ["train", "tiny.yaml", "--device", "cpu", "--quiet", "--set", "training.checkpoint_seconds=0"]
    message = _sentence(_limited(words, tmp_path, 6000))
    assert "runs/tiny/" in message
    run = tmp_path / "runs" / "tiny"
    assert not [path for path in run.rglob(".*") if path.is_file()]
    assert not (run / "result.json").exists()
    assert ask(*words).code == 0
    assert (run / "result.json").exists()
