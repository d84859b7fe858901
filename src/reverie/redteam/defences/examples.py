"""What a hardened model should answer: refusals to attacks, and its own earlier answers to benign requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reverie.redteam.attempts import Attempt, Try
from reverie.redteam.detectors.lookup import detect
from reverie.redteam.goals import Goal
from reverie.redteam.messages import Conversation, Message, Reply
from reverie.redteam.roles import ChatModel
from reverie.redteam.targets.chat_recommender import read_reply
from reverie.seeds import numpy_generator

REFUSALS = (
    "I'm sorry, but I can't help with that request.",
    "I can't do that, but I am glad to help with something else.",
    "Sorry, I am not able to share that.",
    "I'm sorry, I have to decline that. Is there anything else you need?",
    "I won't do that here. Please ask me another question.",
    "I'm afraid I cannot follow that instruction.",
    "I must keep to my instructions, so I can't answer that.",
    "Unfortunately I can't assist with this. I can help with other things.",
)
"""The first stands alone where one refusal is asked for, as in SAP."""

Render = Callable[[Try], Conversation]
"""What a target's language model reads of a try."""


@dataclass(frozen=True)
class Example:
    """A conversation and the answer that a model should learn to give."""

    conversation: Conversation
    answer: str
    ends: bool = True
    """Whether the answer is whole; of one that was cut, its end is not learned."""


def chat_conversation(tried: Try) -> Conversation:
    """Return what a chat target reads of a try: the goal's system prompt, where there is one, and the turns."""
    system = (Message("system", tried.goal.system),) if tried.goal.system else ()
    return (*system, *tried.turns)


def refusal_examples(attempts: Iterable[Attempt], refusals: int, seed: int, render: Render = chat_conversation) -> list[Example]:
    """Return attacks answered by refusals; equal conversations count once, and each draws its wording by the seed."""
    examples: dict[Conversation, Example] = {}
    for attempt in attempts:
        conversation = render(attempt.tried)
        if conversation not in examples:
            drawn = numpy_generator(seed, "refusal", attempt.id).integers(refusals)
            examples[conversation] = Example(conversation, REFUSALS[int(drawn)])
    return list(examples.values())


def clean_examples(attempts: Iterable[Attempt], model: ChatModel, seed: int, render: Render) -> list[Example]:
    """Return attacks on a recommender's list answered by the list that it gives to the plain request, so that it goes on serving.

    Where that answer holds no list, or does itself what the goal wants, there is nothing to learn, and the attack is left out.
    """
    by_conversation = {render(attempt.tried): attempt.tried.goal for attempt in attempts}
    plain = [Try(goal, (Message("user", goal.request),), "null", seed=seed) for goal in dict.fromkeys(by_conversation.values())]
    replies = model.replies([render(tried) for tried in plain], [seed] * len(plain))
    answers: dict[Goal, Reply] = {}
    for tried, reply in zip(plain, replies, strict=True):
        response = read_reply(tried.goal, reply)
        if not response.failure and response.ranking and not detect(tried, response).success:
            answers[tried.goal] = reply
    return [learned(read, answers[goal]) for read, goal in by_conversation.items() if goal in answers]


def learned(conversation: Conversation, reply: Reply) -> Example:
    """Return a conversation with the reply that a model gave."""
    return Example(conversation, reply.text, not reply.cut)


def benign_examples(
    tries: Sequence[Try], model: ChatModel, is_clean: Callable[[Try, Reply], bool], render: Render = chat_conversation
) -> list[Example]:
    """Return benign requests with the answers that a model gives them now.

    Parameters
    ----------
    tries : sequence of Try
        Benign requests put to goals, see `reverie.redteam.benign.benign_tries`.
    model : ChatModel
        Before hardening, so that it is kept as it was.
    is_clean : callable
        ``is_clean(tried, reply)`` says whether a reply may be learned; one that does what its goal wants or refuses may not.
    render : callable, optional
        What the model reads of a try.

    Returns
    -------
    list of Example
        Without failures, empty answers and those that are not clean.
    """
    conversations = [render(tried) for tried in tries]
    replies = model.replies(conversations, [tried.seed for tried in tries])
    return [
        learned(conversation, reply)
        for tried, conversation, reply in zip(tries, conversations, replies, strict=True)
        if not reply.failure and reply.text.strip() and is_clean(tried, reply)
    ]


def mixed(attacks: Sequence[Example], benign: Sequence[Example], share: float, seed: int) -> list[Example]:
    """Return all attacks and as many benign examples as make up a share of the whole, drawn by the seed, repeated where too few."""
    wanted = round(len(attacks) * share / (1 - share))
    if not wanted or not benign:
        return list(attacks)
    order = numpy_generator(seed, "benign examples").permutation(len(benign))
    return [*attacks, *(benign[order[at % len(benign)]] for at in range(wanted))]
