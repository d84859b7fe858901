"""Answers of the language model for the interpreter and its controls, generated once and kept on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from reverie.files import read_json, write_json
from reverie.llm.generate import TitleTree, greedy_decode
from reverie.llm.interpreter.measure import Answered, Matcher, original_count
from reverie.llm.interpreter.prompting import Histories
from reverie.llm.prompts import load_template
from reverie.seeds import numpy_generator, torch_generator

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.llm.interpreter.prompting import Slot
    from reverie.llm.interpreter.recipe import TaskName
    from reverie.llm.interpreter.session import Session
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
        size = len(histories.lengths)
        shift = int(numpy_generator(seed, "shuffled").integers(1, size)) if size > 1 else 0
        order = numpy_generator(seed, "shuffled order").permutation(size)
        self.partner = np.empty(size, dtype=np.int64)
        self.partner[order] = np.roll(order, shift)
        self._trees: dict[int, TitleTree] = {}
        self._longest: dict[str, int] = {}

    def answers(self, task: TaskName, row: RowName, decoding: Decoding, progress: Progress | None = None) -> Answered:
        """Return one row of the table."""
        path = None if self.folder is None else self.folder / f"{task}-{row}-{decoding}.json"
        longest = self.longest(task, decoding)
        kept = read_json(path) if path is not None and path.is_file() else None
        if not isinstance(kept, dict) or kept["longest"] != longest:
            texts, ended = self._generate(task, row, decoding, longest)
            kept = {"longest": longest, "texts": texts, "ended": ended}
            if path is not None:
                write_json(path, kept)
        texts = kept["texts"]
        if progress is not None:
            progress.advance(f"{task} {row} {decoding}")
        mentions = [self.matcher.mentions(text) for text in texts]
        targets = [codes if task == "recovery" else codes[-1:] for codes in self.histories.rows()]
        titles = [[self.session.titles.text(code) for code in codes] for codes in targets]
        counted = [original_count(text, true) for text, true in zip(texts, titles, strict=True)]
        return Answered(mentions, texts, counted, kept["ended"])

    def longest(self, task: TaskName, decoding: Decoding) -> int:
        """Return after how many tokens an answer is cut: the same for all rows and histories, and known before the test."""
        if decoding == "constrained":
            return self.tree(self.session.recipe.windows.length if task == "recovery" else 1).longest
        if task not in self._longest:
            train, target = self.session.windows("train"), self.session.prompts.target
            rows = [train.row(at) if task == "recovery" else train.row(at)[-1:] for at in range(len(train))]
            end = len(target([]))
            lines = {code: len(target([code])) - end for code in set().union(*rows)}
            self._longest[task] = round(SPARE * (end + max(sum(lines[code] for code in row) for row in rows)))
        return self._longest[task]

    @torch.no_grad()
    def _generate(self, task: TaskName, row: RowName, decoding: Decoding, longest: int) -> tuple[list[str], list[bool]]:
        """Return generated texts, and whether each ended by itself."""
        size, texts, ended = self.session.recipe.test.batch_size, [], []
        tree = self.tree(self.session.recipe.windows.length if task == "recovery" else 1) if decoding == "constrained" else None
        for at in range(0, len(self.histories.lengths), size):
            index = np.arange(at, min(at + size, len(self.histories.lengths)))
            part = self.histories.take(index)
            prompts, vectors = self.prompts(task, row, part, index)
            copies = [0] * len(prompts) if row == "text-only" else list(range(len(prompts)))  # without slots all prompts are one
            prompts = prompts[: max(copies) + 1]
            tokens = greedy_decode(self.session.backbone, prompts, vectors, longest, None if tree is None else tree.allowed)
            texts += [self.session.backbone.text(tokens[copy]) for copy in copies]
            ended += [len(tokens[copy]) < longest for copy in copies]
        return texts, ended

    def tree(self, most: int) -> TitleTree:
        """Return the prefix tree of lists of at most so many titles."""
        if most not in self._trees:
            self._trees[most] = TitleTree(self.session.backbone, self.session.titles, most)
        return self._trees[most]

    def prompts(self, task: TaskName, row: RowName, part: Histories, index: np.ndarray) -> tuple[list[list[int]], Tensor]:
        """Return the prompts and soft tokens of a row of the table; index [B] → [S, width]."""
        prompts = self.session.prompts
        if row == "text-history":
            return self._as_text(part), torch.zeros(0, prompts.backbone.width, device=prompts.backbone.device)
        if row == "shuffled":
            part = self._borrowed(index)
        slots = prompts.slots(task, part)
        if row == "random":
            slots = [self._noise(slot, int(index[0]), number) for number, slot in enumerate(slots)]
        return prompts.render(task, slots, silent=row == "text-only")

    def _borrowed(self, index: np.ndarray) -> Histories:
        """Return the rows with the states of other users, as many of them as the row has items."""
        other = self.partner[index]
        lengths = np.minimum(self.histories.lengths[index], self.histories.lengths[other])
        return Histories(self.histories.items[other], lengths, self.histories.states[torch.from_numpy(other)])

    def _noise(self, slot: Slot, first: int, number: int) -> Slot:
        vectors, counts = slot
        generator = torch_generator(self.session.recipe.training.seed, "noise", first, number)
        noise = torch.randn(vectors.shape, generator=generator).to(vectors)
        return noise * (vectors.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True)), counts

    def _as_text(self, part: Histories) -> list[list[int]]:
        template = load_template(self.session.recipe.tasks["residual"].template, ("before", "after"))
        prompts = []
        for row in part.rows():
            names = [self.session.titles.text(code) for code in row]
            prompts.append(template.fill(self.session.backbone, {"before": "; ".join(names[:-1]), "after": "; ".join(names)}))
        return prompts
