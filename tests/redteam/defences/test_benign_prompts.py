from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from defended import goal

from reverie.errors import DataError
from reverie.redteam.benign import benign_prompts, benign_tries, prompts_for, read_prompts
from reverie.redteam.goals import KINDS


def test_sets_share_no_request_and_cover_every_kind() -> None:
    learned, asked = benign_prompts("train"), benign_prompts("evaluation")
    assert not {prompt.text.casefold() for prompt in learned} & {prompt.text.casefold() for prompt in asked}
    for prompts in (learned, asked):
        counts = Counter(prompt.topic for prompt in prompts)
        assert counts == {"ordinary": 24, "films": 12, **dict.fromkeys(KINDS, 6)}
        assert len({prompt.id for prompt in prompts}) == len(prompts)
        assert sum(prompt.is_contrast for prompt in prompts) == 6 * len(KINDS)


def test_a_target_is_asked_what_makes_sense_to_it() -> None:
    chat = {prompt.topic for prompt in prompts_for(frozenset({"canary", "phrase", "prompt-leak"}), "evaluation")}
    assert chat == {"ordinary", "canary", "phrase", "prompt-leak"}
    ranks = {prompt.topic for prompt in prompts_for(frozenset({"promote", "prompt-leak"}), "evaluation")}
    assert ranks == {"films", "promote", "prompt-leak"}


def test_requests_go_round_all_goals() -> None:
    goals, prompts = [goal(number=at) for at in range(4)], benign_prompts("train")[:10]
    tries = benign_tries(prompts, goals, seed=3)
    assert [one.text for one in tries] == [prompt.text for prompt in prompts]
    assert sorted(Counter(one.goal.id for one in tries).values()) == [2, 2, 3, 3]
    assert tries == benign_tries(prompts, goals, seed=3) != benign_tries(prompts, goals, seed=4)
    with pytest.raises(DataError, match="need goals"):
        benign_tries(prompts, [], seed=0)


@pytest.mark.parametrize(
    ("written", "fault"),
    [("films: [a, A]", "twice"), ("hats: [a]", "unknown topic 'hats'"), ("films: [1]", "list of texts"), ("- a", "no lists")],
)
def test_a_file_of_requests_that_is_wrong_is_one_sentence(written: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(written)
    with pytest.raises(DataError, match=fault):
        read_prompts(tmp_path / "mine.yaml", "mine")
