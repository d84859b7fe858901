"""A trained CoLLM as a target: what is tried is planted in the title of the goal's item, and candidates are ranked by score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.errors import ConfigError, DataError, RunError
from reverie.llm.collm.model import CoLLM
from reverie.llm.collm.prompting import candidate_logits
from reverie.models import load_model
from reverie.redteam.attempts import Response, Try
from reverie.redteam.goals import Goal, GoalKind
from reverie.redteam.targets.config import CoLLMTarget
from reverie.redteam.targets.planting import Place, planted_title, under_titles, with_title
from reverie.redteam.targets.possible import POSSIBLE

FOLDERS = {"collm": "model", "text-only": "text"}
"""Folder of a study that holds the model of a row."""


@dataclass(frozen=True)
class Asked:
    """A goal in the codes of a model; candidates [C], and where the goal's item stands among them."""

    batch: SequenceBatch
    candidates: Tensor
    at: int


class CoLLMRecommender:
    """See `CoLLMTarget`.

    Parameters
    ----------
    model : CoLLM
        Not taught any more: scores without planted text are kept.
    place : {"behind", "before", "instead"}
        Where the text stands in the title.
    longest : int
        Characters of it.
    name : str
        In tables; empty takes ``collm``.
    """

    kinds: frozenset[GoalKind] = POSSIBLE["collm"]

    def __init__(self, model: CoLLM, place: Place = "behind", longest: int = 400, name: str = "") -> None:
        self.model, self.place, self.longest, self.name = model.eval(), place, longest, name or "collm"
        self._clean: dict[str, Tensor] = {}

    @classmethod
    def load(cls, config: CoLLMTarget) -> CoLLMRecommender:
        """Open a model of a finished study, or one that `save_model` wrote."""
        folder = Path(config.run)
        study = (folder / FOLDERS["collm"] / "model.json").is_file()
        if config.row not in FOLDERS:
            raise ConfigError(f"option 'row': CoLLM keeps no model of '{config.row}'; take {' or '.join(FOLDERS)}")
        model = load_model(folder / FOLDERS[config.row] if study else folder)
        if not isinstance(model, CoLLM):
            raise RunError(f"{folder} holds a model '{model.card.name}', not CoLLM; give the folder of a 'reverie collm'")
        return cls(model, config.plant, config.longest, config.name)

    def respond(self, tries: Sequence[Try]) -> list[Response]:
        """Answer each try; tries on one goal are read behind one beginning."""
        by_goal: dict[Goal, list[int]] = {}
        for row, tried in enumerate(tries):
            by_goal.setdefault(tried.goal, []).append(row)
        responses = [Response("")] * len(tries)
        for goal, rows in by_goal.items():
            scores = self.scores(goal, [tries[row].text for row in rows])
            for row, one in zip(rows, scores, strict=True):
                responses[row] = ranked(goal, one)
        return responses

    @torch.no_grad()
    def scores(self, goal: Goal, texts: Sequence[str]) -> Tensor:
        """Return the scores of a goal's candidates under each planted text → [T, C].

        A text changes the score of its own item only, unless the item stands in the history.
        """
        asked = self._asked(goal)
        code, prompting = asked.candidates[asked.at], self.model.prompting
        said = [planted_title(prompting.titles.text(int(code)), text, self.place, self.longest) for text in texts]
        if int(code) in asked.batch.items[0].tolist():
            return torch.stack([self._polluted(asked, one) for one in said])
        clean = self._clean_scores(goal.id, asked)
        scores = clean.repeat(len(texts), 1)
        own = candidate_logits(under_titles(prompting, said), asked.batch, code.expand(len(said)))
        scores[:, asked.at] = self.model.score_of(own).float().cpu()
        return scores

    def _clean_scores(self, name: str, asked: Asked) -> Tensor:
        """Return the scores of candidates as they are, computed once for each goal → [C]."""
        key = f"{name} {asked.batch.items.tolist()} {asked.candidates.tolist()} {asked.batch.users.tolist()}"
        if key not in self._clean:
            logits = candidate_logits(self.model.prompting, asked.batch, asked.candidates)
            self._clean[key] = self.model.score_of(logits).float().cpu()
        return self._clean[key]

    def _polluted(self, asked: Asked, said: str) -> Tensor:
        """Return the scores of candidates where the item's title stands in the history too → [C]."""
        prompting = with_title(self.model.prompting, int(asked.candidates[asked.at]), said)
        return self.model.score_of(candidate_logits(prompting, asked.batch, asked.candidates)).float().cpu()

    def _asked(self, goal: Goal) -> Asked:
        """Return a goal in codes; ids that the model does not know are an error, or left out of the history."""
        if goal.scene is None or goal.item is None:
            raise ConfigError(f"goal '{goal.id}' has no scene or names no item, which CoLLM needs; set 'scene' and 'item'")
        vocabulary, scene = self.model.card.vocabulary, goal.scene
        ids = [one for one, _ in scene.candidates]
        if goal.item[0] not in ids:
            ids.append(goal.item[0])
        codes = vocabulary.item_codes(ids).astype(np.int64)
        if not codes.all():
            stray = ids[int(np.flatnonzero(codes == 0)[0])]
            raise DataError(f"goal '{goal.id}': item '{stray}' is not in the catalogue of CoLLM; make goals of its own dataset")
        history = vocabulary.item_codes([one for one, _ in scene.history]).astype(np.int64)
        history, device = history[history > 0][-(self.model.history or len(history) or 1) :], self.model.centre.device
        batch = SequenceBatch(
            torch.from_numpy(history if len(history) else np.zeros(1, dtype=np.int64))[None], torch.tensor([len(history)]),
            torch.from_numpy(vocabulary.user_codes([scene.user]).astype(np.int64)),
        ).to(device)  # fmt: skip
        return Asked(batch, torch.from_numpy(codes).to(device), ids.index(goal.item[0]))


def ranked(goal: Goal, scores: Tensor) -> Response:
    """Return candidates by their scores, the first of equals first; scores [C]."""
    titles = dict((*(goal.scene.candidates if goal.scene else ()), *([goal.item] if goal.item else [])))
    order = torch.argsort(scores, descending=True, stable=True).tolist()
    ids = [list(titles)[at] for at in order]
    return Response("\n".join(f"{place}. {titles[one]}" for place, one in enumerate(ids, start=1)), tuple(ids))
