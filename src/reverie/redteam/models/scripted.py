"""Scripted models: controls that answer without reading, to bound the errors of detectors."""

from __future__ import annotations

from collections.abc import Sequence

from reverie.redteam.messages import Conversation, Reply
from reverie.redteam.models.config import ScriptedModel
from reverie.seeds import numpy_generator

REFUSAL = "I'm sorry, but I can't help with that."
WORDS = """about after again air animal answer back begin book bread bright bridge change city cloud corner day door early earth
evening family field fish flower friend garden glass green hand harbour hill home house island keep kitchen lake lamp leaf letter
light long market meadow moon morning mountain music name night ocean paper path picture plant quiet rain river road room season
ship shore silver simple small snow song spring star stone story street summer sun table tea tree valley village walk warm water
weather wind window winter wood word year"""


class Scripted:
    """A model that follows a script, see `ScriptedModel`."""

    def __init__(self, config: ScriptedModel) -> None:
        self.config = config
        self.name: str = config.script

    def replies(self, conversations: Sequence[Conversation], seeds: Sequence[int], until: str = "") -> list[Reply]:
        """Answer each conversation with its own seed."""
        texts = (self._text(conversation, seed) for conversation, seed in zip(conversations, seeds, strict=True))
        return [Reply(text, n_tokens=len(text.split())) for text in texts]

    def _text(self, conversation: Conversation, seed: int) -> str:
        match self.config.script:
            case "always-refuse":
                return REFUSAL
            case "always-pass":
                return "\n".join(message.text for message in conversation if message.role == "system")
            case "repeat":
                return conversation[-1].text
            case "random-words":
                return random_words(self.config.words, seed)
        return ""


def random_words(n: int, seed: int) -> str:
    """Return common English words, drawn uniformly."""
    return " ".join(numpy_generator(seed, "random words").choice(WORDS.split(), n).tolist())
