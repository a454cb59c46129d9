"""Search for prompts that an embedding model takes for something else: by words put behind, by typing errors, by synonyms.

A search has a score that is to grow, and asks for many candidates at once. Chance comes in from outside.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from evaluators.redteam.encoding import Encoder, Vector

Scores = Callable[[Sequence[str]], Awaitable[list[float]]]
Substitutes = Callable[[str], Awaitable[list[str]]]
CORE = re.compile(r"\w+(?:['-]\w+)*")
NEIGHBOURS = {
    "a": "qsz", "b": "vgn", "c": "xvd", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok", "j": "hku", "k": "jli", "l": "kop", "m": "nj",
    "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf", "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xas",
}  # fmt: skip
"""Letters beside each other on a keyboard."""


@dataclass(frozen=True)
class Margin:
    """How much nearer a text is to where it shall go than to where it comes from, by the cosines of the embeddings."""

    encoder: Encoder
    towards: Vector
    away: Vector

    async def __call__(self, texts: Sequence[str]) -> list[float]:
        """Of each text; above 0 it has crossed over."""
        near = await self.encoder.likeness(texts, self.towards)
        far = await self.encoder.likeness(texts, self.away)
        return [a - b for a, b in zip(near, far, strict=True)]


def spells(text: str, banned: Collection[str]) -> bool:
    """Whether any of the banned words stands anywhere in the text, also within a longer word or over a gap."""
    joined = re.sub(r"[\W_]+", "", text.casefold())
    return any(re.sub(r"[\W_]+", "", word.casefold()) in joined for word in banned)


async def suffixed(prompt: str, vocabulary: Sequence[str], scores: Scores, chance: Random, *, length: int, candidates: int, sweeps: int) -> str:
    """The prompt with words behind it, each in turn the best of many drawn from the vocabulary, until some sweeps bring nothing.

    Args:
        prompt: What the words are put behind.
        vocabulary: What they are taken from.
        scores: What is to grow.
        chance: Draws the first words and the candidates.
        length: How many words.
        candidates: How many are tried at a place; all, where there are no more.
        sweeps: Sweeps without gain after which it ends.
    """
    words = [chance.choice(vocabulary) for _ in range(length)]
    best = (await scores([" ".join([prompt, *words])]))[0]
    idle = 0
    while idle < sweeps:
        before = best
        for at in range(length):
            tried = chance.sample(vocabulary, min(candidates, len(vocabulary)))
            found = await scores([" ".join([prompt, *words[:at], word, *words[at + 1 :]]) for word in tried])
            top = max(range(len(tried)), key=found.__getitem__)
            if found[top] > best:
                best, words[at] = found[top], tried[top]
        idle = 0 if best > before else idle + 1
    return " ".join([prompt, *words])


async def ordered(words: Sequence[str], free: Sequence[int], scores: Scores) -> list[int]:
    """The free places, those first whose word matters most: by how much the score changes without it."""
    whole = (await scores([" ".join(words)]))[0]
    without = await scores([" ".join([*words[:at], *words[at + 1 :]]) for at in free])
    changes = {at: abs(score - whole) for at, score in zip(free, without, strict=True)}
    return sorted(free, key=lambda at: (-changes[at], at))


async def substituted(prompt: str, kept: Collection[str], others: Substitutes, scores: Scores, allowed: Callable[[str], Awaitable[bool]], most: int) -> str:
    """The prompt with words exchanged, the most important first, each for what raises the score most and is allowed.

    Args:
        prompt: Where words are exchanged.
        kept: Words that stay.
        others: What may stand for a word.
        scores: What is to grow.
        allowed: Whether a whole text may be taken.
        most: How many words are exchanged at most.
    """
    words = prompt.split()
    free = [at for at, word in enumerate(words) if (core := CORE.search(word)) and core[0].casefold() not in kept]
    best = (await scores([prompt]))[0]
    changes = 0
    for at in await ordered(words, free, scores) if len(words) > 1 else free:
        core = CORE.search(words[at])
        if core is None or changes == most:
            continue
        forms = [words[at][: core.start()] + other + words[at][core.end() :] for other in await others(core[0])]
        texts = [" ".join([*words[:at], form, *words[at + 1 :]]) for form in forms]
        found = await scores(texts)
        for which in sorted(range(len(texts)), key=lambda which: (-found[which], which)):
            if found[which] <= best:
                break
            if await allowed(texts[which]):
                best, words[at], changes = found[which], forms[which], changes + 1
                break
    return " ".join(words)


def typing_errors(word: str) -> list[str]:
    """The word with one error: two letters exchanged, one left out, doubled, hit beside, or a gap; its first letter stays."""
    found = []
    for at in range(1, len(word)):
        head, letter, tail = word[:at], word[at], word[at + 1 :]
        if tail:
            found.append(head + tail[0] + letter + tail[1:])
        if len(word) > 2:
            found.append(head + tail)
        found += [head + letter + letter + tail, f"{head} {letter}{tail}"]
        found += [head + near + tail for near in NEIGHBOURS.get(letter, "")]
    return [form for form in dict.fromkeys(found) if form != word]


def synonyms(thesaurus: Mapping[str, Sequence[str]], vocabulary: Sequence[str], encoder: Encoder, *, alike: float, most: int) -> Substitutes:
    """What may stand for a word: what a thesaurus has for it, and then the nearest words of a vocabulary, if they are alike enough."""

    async def others(word: str) -> list[str]:
        found = list(thesaurus.get(word.casefold(), ()))
        near = await encoder.likeness(vocabulary, await encoder.vector(word)) if vocabulary else []
        nearest = sorted(range(len(near)), key=lambda at: (-near[at], vocabulary[at]))
        found += [vocabulary[at] for at in nearest if near[at] >= alike]
        return [other for other in dict.fromkeys(found) if other.casefold() != word.casefold()][:most]

    return others
