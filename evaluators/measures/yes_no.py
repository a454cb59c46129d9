"""Whether a reply says yes or no.

"Yes" and "no" count where they open the reply or stand alone in a clause: "no" in "there is no circle" is a determiner
and says nothing by itself. A reply that says both, or that describes without saying either, has no answer.
"""

from __future__ import annotations

from evaluators.measures.finding import Finding
from evaluators.measures.words import JOINS, MARKS, denied, pieces, readable

YES = frozenset(("yes", "yeah", "yep", "true"))
NO = frozenset(("no", "nope", "nah", "false"))
EMPTY = frozenset(("doubt", "problem", "question", "idea", "matter", "worries", "answer", "one", "way"))
""""No doubt" at the start of a reply is no "no"."""


def yes_or_no(reply: str) -> Finding[bool]:
    """Find whether a reply says yes (True) or no (False)."""
    text = readable(reply)
    if text is None:
        return Finding.nothing("nothing to read")
    found = pieces(text)
    flags = denied(found)
    said = {word in YES for at, word in enumerate(found) if (word in YES or word in NO) and _says(found, at, flags[at])}
    if len(said) > 1:
        return Finding.several("says yes and no")
    if said:
        return Finding.of(answer := said.pop(), "says yes" if answer else "says no")
    return Finding.nothing("says neither yes nor no")


def _says(found: list[str], at: int, is_denied: bool) -> bool:  # noqa: FBT001 - what is known of this very word
    word, after = found[at], found[at + 1] if at + 1 < len(found) else "."
    if at == 0:
        return after not in EMPTY
    before = found[at - 1]
    if word == "no" and after not in MARKS and after not in JOINS and before not in MARKS:
        return False
    return after not in EMPTY and not is_denied and before not in ("or", "nor")
