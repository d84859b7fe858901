"""Answers of the language model: rows of the table, one person, and imagined vectors, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.files import read_json, write_json
from reverie.llm.generate import TitleTree, greedy_decode
from reverie.llm.interpreter.measure import Answered, Matcher, Mention, nearest, original_count
from reverie.llm.interpreter.model import Slot
from reverie.llm.interpreter.recipe import TaskName
from reverie.llm.interpreter.session import Session
from reverie.llm.prompts import load_template
from reverie.llm.windows import Histories, Windows, cut_windows, to_device
from reverie.protocols import Imagines
from reverie.seeds import numpy_generator, torch_generator
from reverie.study.progress import Progress

RowName = Literal["model", "shuffled", "random", "text-only", "text-history"]
Decoding = Literal["free", "constrained"]
SPARE = 1.25
"""A free answer may be this much longer than the longest right answer about a training history, in tokens."""


class AnswerGenerator:
    """Generates the answers of all rows of a table and keeps them on disk."""

    def __init__(self, session: Session, histories: Histories, folder: Path | None = None) -> None:
        self.session, self.histories, self.folder = session, histories, folder
        self.matcher = Matcher(session.titles)
        seed = session.recipe.training.seed
        size = len(histories)
        shift = int(numpy_generator(seed, "shuffled").integers(1, size)) if size > 1 else 0
        order = numpy_generator(seed, "shuffled order").permutation(size)
        self.partner = np.empty(size, dtype=np.int64)
        self.partner[order] = np.roll(order, shift)
        self._trees: dict[TaskName, TitleTree] = {}
        self._longest: dict[TaskName, int] = {}

    def answers(self, task: TaskName, row: RowName, decoding: Decoding, progress: Progress | None = None) -> Answered:
        """Return one row of the table."""
        path = None if self.folder is None else self.folder / f"{task}-{row}-{decoding}.json"
        longest = self.tree(task).longest if decoding == "constrained" else self.longest(task)
        kept = read_json(path) if path is not None and path.is_file() else None
        if not isinstance(kept, dict) or kept["longest"] != longest:
            texts, ended = self._generate(task, row, decoding, longest)
            kept = {"longest": longest, "texts": texts, "ended": ended}
            if path is not None:
                write_json(path, kept)
        texts, text = kept["texts"], self.session.titles.text
        if progress is not None:
            progress.advance(f"{task} {row} {decoding}")
        targets = [codes if task == "recovery" else codes[-1:] for codes in self.histories.rows()]
        counted = [original_count(said, [text(code) for code in codes]) for said, codes in zip(texts, targets, strict=True)]
        return Answered([self.matcher.mentions(said) for said in texts], texts, counted, kept["ended"])

    def longest(self, task: TaskName) -> int:
        """Return after how many tokens a free answer is cut: the same for all rows and histories, and known before the test."""
        if task not in self._longest:
            target, rows = self.session.prompts.target, self.session.windows("train").rows()
            rows = rows if task == "recovery" else [row[-1:] for row in rows]
            end = len(target([]))
            lines = {code: len(target([code])) - end for code in set().union(*rows)}
            self._longest[task] = round(SPARE * (end + max(sum(lines[code] for code in row) for row in rows)))
        return self._longest[task]

    def tree(self, task: TaskName) -> TitleTree:
        """Return the prefix tree of the lists of titles that may answer a task."""
        if task not in self._trees:
            most = self.session.recipe.windows.length if task == "recovery" else 1
            self._trees[task] = TitleTree(self.session.backbone, self.session.titles, most)
        return self._trees[task]

    @torch.no_grad()
    def _generate(self, task: TaskName, row: RowName, decoding: Decoding, longest: int) -> tuple[list[str], list[bool]]:
        """Return generated texts, and whether each ended by itself."""
        backbone, texts, ended = self.session.backbone, [], []
        allowed = self.tree(task).allowed if decoding == "constrained" else None
        for index in self.histories.pieces(self.session.recipe.test.batch_size):
            prompts, vectors = self.prompts(task, row, index)
            copies = [0] * len(prompts) if row == "text-only" else list(range(len(prompts)))  # without slots all prompts are one
            tokens = greedy_decode(backbone, prompts[: max(copies) + 1], vectors, longest, allowed)
            texts += [backbone.text(tokens[copy]) for copy in copies]
            ended += [len(tokens[copy]) < longest for copy in copies]
        return texts, ended

    def prompts(self, task: TaskName, row: RowName, index: NDArray[np.int64]) -> tuple[list[list[int]], Tensor]:
        """Return the prompts and soft tokens of histories in a row of the table; index [B] → [S, width]."""
        prompts, part = self.session.prompts, self.histories.take(index)
        if row == "text-history":
            template = load_template(self.session.recipe.tasks["residual"].template, ("before", "after"))
            names = [[self.session.titles.text(code) for code in codes] for codes in part.rows()]
            filled = [template.fill(prompts.backbone, {"before": "; ".join(one[:-1]), "after": "; ".join(one)}) for one in names]
            return filled, torch.zeros(0, prompts.backbone.width, device=prompts.backbone.device)
        if row == "shuffled":  # the states of other users, as many of them as the row has items
            other = self.histories.take(self.partner[index])
            part = replace(other, lengths=np.minimum(part.lengths, other.lengths))
        slots = prompts.slots(task, part)
        if row == "random":
            slots = [self._noise(slot, int(index[0]), number) for number, slot in enumerate(slots)]
        return prompts.render(task, slots, silent=row == "text-only")

    def _noise(self, slot: Slot, first: int, number: int) -> Slot:
        vectors, counts = slot
        generator = torch_generator(self.session.recipe.training.seed, "noise", first, number)
        noise = torch.randn(vectors.shape, generator=generator).to(vectors)
        return noise * (vectors.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True)), counts


NEAREST, RECOMMENDED = 5, 3
"""Catalogue items that an imagined vector is compared with, and that a person is recommended."""


@torch.no_grad()
def name_vectors(session: Session, vectors: Tensor, constrained: bool) -> list[str]:
    """Return what the language model calls vectors in the space of item vectors; vectors [B, D]."""
    prompts, soft = session.prompts.render("item", [session.prompts.item_slot(vectors)])
    tree = TitleTree(session.backbone, session.titles, 1)
    tokens = greedy_decode(session.backbone, prompts, soft, tree.longest, tree.allowed if constrained else None)
    return [session.backbone.text(line).strip().partition("\n")[0] for line in tokens]


@torch.no_grad()
def describe_imagined(session: Session, windows: Windows) -> list[dict[str, Any]]:
    """Draw one vector per history and put it into words."""
    model = session.model
    vectors = model.imagine(to_device(model, windows.batch()), 1)[:, 0].float().cpu()  # type: ignore[attr-defined]  # it imagines
    free, named = name_vectors(session, vectors, False), name_vectors(session, vectors, True)
    cosines = F.normalize(vectors, dim=-1) @ F.normalize(session.table, dim=-1).T
    near = (cosines.topk(min(NEAREST, len(session.table)), dim=-1).indices + 1).numpy()
    kinds = _categories(session)
    matcher, described = Matcher(session.titles), []
    for row, (title, catalogue) in enumerate(zip(free, named, strict=True)):
        mentions = matcher.mentions(catalogue)
        code = mentions[0].code if mentions else 0
        described.append({
            "title": title, "in_catalogue": catalogue, "nearest": [session.titles.text(int(item)) for item in near[row]],
            "category_agreement": _agreement(kinds, code, near[row]),
            "shuffled_agreement": _agreement(kinds, code, near[(row + 1) % len(near)]),
        })  # fmt: skip
    return described


def _categories(session: Session) -> dict[int, set[str]]:
    """Return the categories of items by code; empty where the catalogue has none."""
    catalog = session.dataset.catalog
    if "categories" not in catalog.columns:
        return {}
    codes = session.split.vocabulary.item_codes(catalog["item"].to_list()).tolist()
    named = zip(codes, catalog["categories"].to_list(), strict=True)
    return {code: set(str(text).split("|")) for code, text in named if code and text}


def _agreement(kinds: dict[int, set[str]], code: int, near: np.ndarray) -> float | None:
    own = kinds.get(code)
    if not own:
        return None
    others = [kinds[int(item)] for item in near if int(item) in kinds and int(item) != code]
    return float(np.mean([len(own & other) / len(own | other) for other in others])) if others else None


CONTROLS: tuple[RowName, ...] = ("shuffled", "text-only")


def known_user(vocabulary: Vocabulary, user: str, where: str) -> int:
    """Return the code of a user of the dataset, or refuse the id."""
    code = int(vocabulary.user_codes([user])[0])
    if code < 0:
        raise DataError(f"user '{user}' is not in the dataset of {where}; ids look like {vocabulary.users[0]}")
    return code


def explain_user(session: Session, user: str) -> dict[str, Any]:
    """Explain the state of one user."""
    code = known_user(session.split.vocabulary, user, str(session.folder))
    window = user_window(session, code)
    history = window.rows()[0]
    other = session.windows("test")
    other = other.take(np.flatnonzero(other.users != code)[:1])
    both = Windows(*(np.concatenate(pair) for pair in zip(vars(window).values(), vars(other).values(), strict=True)))
    generator = AnswerGenerator(session, session.histories(both))
    canonical = session.titles.canonical
    true = list(dict.fromkeys(canonical[history].tolist()))
    mentions = generator.answers("recovery", "model", "free").mentions[0]
    own = _recall(mentions, true)
    controls = {name: _recall(generator.answers("recovery", name, "free").mentions[0], true) for name in CONTROLS}
    states = session.histories(window).states[0, : window.lengths[0]]
    with torch.no_grad():
        scores = session.model.scores(to_device(session.model, window.batch()))[0].cpu()
    scores[torch.tensor(history) - 1] = float("-inf")
    explanation: dict[str, Any] = {
        "user": user, "part": next((part for part in ("train", "test") if code in getattr(session.split, part).users), "valid"),
        "history": [session.titles.text(code) for code in history],
        "held_out": [session.titles.text(code) for code in true if code in set(canonical[session.held_out].tolist())],
        "said": [{"title": m.text, "kind": "invented" if not m.code else "true" if m.code in true else "real"} for m in mentions],
        "recall": own, "controls": controls, "faithfulness": own - max(controls.values()),
        "nearest": [session.titles.text(int(code)) for code in nearest(states, session.table, cosine=False)],
        "recommended": [session.titles.text(int(at) + 1) for at in scores.topk(min(RECOMMENDED, len(scores))).indices],
    }  # fmt: skip
    if isinstance(session.model, Imagines) and "item" in session.recipe.tasks:
        explanation["imagined"] = describe_imagined(session, both)[0]
    return explanation


def user_window(session: Session, user: int) -> Windows:
    """Return the last items of one user, by code."""
    sequences = session.dataset.sequences
    row = sequences.row(int(np.flatnonzero(sequences.users == user)[0]))
    sizes = session.recipe.windows
    if len(row) < sizes.shortest:
        raise DataError(f"user '{session.split.vocabulary.users[user]}' has {len(row)} events, and {sizes.shortest} are needed")
    return cut_windows(row, np.array([len(row)]), np.array([min(len(row), sizes.length)]), sizes.length, np.array([user]))


def _recall(mentions: list[Mention], true: list[int]) -> float:
    return len({mention.code for mention in mentions} & set(true)) / len(true)
