"""Prompts said in another way by rule: an old register, rare sentences; objects, numbers, colours, sizes and places stay."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Literal

from evaluators.measures.numbers import SMALL, TENS
from evaluators.redteam.coco import COLOURS
from evaluators.redteam.wording import plural

Style = Literal["Shake_", "Paraphrase_"]
SIZES = ("small", "smaller", "big", "bigger", "large", "larger", "tiny", "huge", "tall", "taller", "short", "shorter")
PLACES = ("left", "right", "above", "below", "under", "beneath", "over", "on", "between", "in", "behind", "beside", "next", "top", "front")
KEPT = frozenset((*SMALL, *TENS, *COLOURS, *SIZES, *PLACES, "no", "not", "without"))
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")

OLD = {
    "you": "thou", "your": "thy", "yours": "thine", "has": "hath", "does": "doth", "please": "prithee", "before": "ere",
    "often": "oft", "perhaps": "mayhap", "nothing": "naught", "here": "hither", "enough": "enow", "pretty": "fair",
    "beautiful": "comely", "happy": "merry", "evening": "eventide", "morning": "morn", "listen": "hark", "sad": "doleful",
}  # fmt: skip
OLD_FRAMES = (
    "Prithee, let mine eyes behold {it}, good painter.",
    "Hark, gentle limner: {it} wouldst thou now bring forth.",
    "By thy brush, fair master, {it} be conjured up before us.",
)
OLD_CLAUSES = ("Hark, good painter, and let it be so that {it}.", "Thus do I bid thee, gentle limner: that {it}.")
RARE_FRAMES = (
    "What is to be beheld, and nothing besides, is {it}.",
    "It is {it} that the picture, once it is made, is to present.",
    "Were a picture to be made, by it there would be presented {it}.",
)
RARE_CLAUSES = ("Such is to be the arrangement that {it}.", "So let the matter be disposed that {it}.")
ORDER = re.compile(r"(?:please )?(?:draw|paint|show|generate|create|make|render|depict|there (?:is|are))(?: me)? ", re.IGNORECASE)
CLAUSE = re.compile(r"(?:the|a|an|[a-z]+)(?: (?!that\b|which\b|who\b|with\b|of\b)[a-z-]+){1,3} (?:is|are|has|have|stands?|sits?|lies?|runs?) ", re.IGNORECASE)


def protected(prompt: str, objects: Iterable[str] = ()) -> Counter[str]:
    """The words of a prompt that a rewriting must keep: names of objects, one or many of them, and words of number, colour, size and place."""
    names = {word for name in objects for form in (name, plural(name)) for word in words(form)}
    return Counter(word for word in words(prompt) if word in KEPT or word in names or word.isdigit())


def lost(prompt: str, rewritten: str, objects: Iterable[str] = ()) -> list[str]:
    """Protected words that a rewriting has no longer, or less often."""
    return sorted((protected(prompt, objects) - Counter(words(rewritten))).elements())


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return WORD.findall(text.casefold())


def restated(prompt: str, style: Style, chance: Random, objects: Iterable[str] = ()) -> str:
    """The prompt in another style, by rule: a frame around it, and in the old style old words for new ones that are not protected."""
    core = ORDER.sub("", prompt.strip().rstrip(".!"), count=1)
    clause = CLAUSE.match(core) is not None
    if core[:1].isupper() and not core[1:2].isupper() and core.split()[0] != "I":
        core = core[:1].lower() + core[1:]
    if style == "Shake_":
        kept = protected(prompt, objects)
        core = WORD.sub(lambda found: found[0] if found[0].casefold() in kept else _like(found[0], OLD.get(found[0].casefold(), found[0])), core)
        return chance.choice(OLD_CLAUSES if clause else OLD_FRAMES).format(it=core)
    return chance.choice(RARE_CLAUSES if clause else RARE_FRAMES).format(it=core)


def _like(old: str, new: str) -> str:
    return new.capitalize() if old[:1].isupper() else new
