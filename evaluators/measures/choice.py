"""Which of the given options a reply chooses.

Options are compared word by word, never as substrings. An option that is denied ("not red", "neither red nor blue") is
not chosen. Where a reply marks its answer ("the answer is red"), only marked options count; otherwise it must name
exactly one option. Known limits: English only; irony, double negation and a change of mind over several sentences count
as ambiguous or as what the words say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from evaluators.measures.finding import Finding
from evaluators.measures.words import JOINS, denied, pieces, plain, readable

ANSWER = frozenset(("answer", "conclusion", "verdict"))
FILLERS = frozenset(("is", "=", ":", "-", "the", "a", "an", "it", "it's", "must", "be", "would", "should", "\n"))
MARKED_WITHIN = 5
"""Pieces between "answer" and the option that it marks, at most."""


class _Mention(NamedTuple):
    option: str
    start: int
    end: int


def choose(reply: str, options: Collection[str] | Mapping[str, Collection[str]], aside: Iterable[str] = ()) -> Finding[str]:
    """Find the option that a reply chooses.

    Args:
        reply: What the model said.
        options: What may be chosen; as a mapping, each with the forms it may be written in.
        aside: Phrases that the question itself used; naming them again chooses nothing.
    """
    text = readable(reply)
    if text is None:
        return Finding.nothing("nothing to read")
    found = pieces(text)
    mentions = [mention for mention in _mentions(found, _forms(options, aside)) if mention.option]
    affirmed = _affirmed(found, mentions)
    marked = [mention for mention in affirmed if _is_marked(found, mention)]
    chosen = {mention.option for mention in marked or affirmed}
    if len(chosen) > 1:
        return Finding.several(f"names {', '.join(sorted(chosen))}")
    if chosen:
        return Finding.of(chosen.pop(), "marked as the answer" if marked else "the only option named")
    return Finding.nothing("denies the options it names" if mentions else "names none of the options")


def _forms(options: Collection[str] | Mapping[str, Collection[str]], aside: Iterable[str]) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """All forms by their first word, longest first; what is set aside stands for no option."""
    written = options if isinstance(options, Mapping) else {option: (option,) for option in options}
    pairs = [(form, option) for option, forms in written.items() for form in forms]
    pairs += [(phrase, "") for phrase in aside]
    table: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for form, option in pairs:
        words = tuple(pieces(plain(form)))
        if words:
            table.setdefault(words[0], []).append((words, option))
    for entries in table.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return table


def _mentions(found: list[str], forms: Mapping[str, list[tuple[tuple[str, ...], str]]]) -> list[_Mention]:
    mentions, at = [], 0
    while at < len(found):
        mention = _mention(found, at, forms)
        if mention is not None:
            mentions.append(mention)
        at = at + 1 if mention is None else mention.end
    return mentions


def _mention(found: list[str], at: int, forms: Mapping[str, list[tuple[tuple[str, ...], str]]]) -> _Mention | None:
    for words, option in forms.get(found[at], ()):
        if tuple(found[at : at + len(words)]) == words:
            return _Mention(option, at, at + len(words))
    return None


def _affirmed(found: list[str], mentions: list[_Mention]) -> list[_Mention]:
    kept, last_denied, flags = [], -1, denied(found)
    for mention in mentions:
        joined = mention.start - 2 == last_denied and found[mention.start - 1] in JOINS
        if joined or flags[mention.start]:
            last_denied = mention.end - 1
        else:
            kept.append(mention)
    return kept


def _is_marked(found: list[str], mention: _Mention) -> bool:
    for before in range(mention.start - 1, max(-1, mention.start - 1 - MARKED_WITHIN), -1):
        if found[before] in ANSWER:
            return True
        if found[before] not in FILLERS:
            return False
    return False
