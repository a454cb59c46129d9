"""How many recorded rows a second the pure scorers of MMDT judge on one core, and how long judging keeps the event loop.

Rows a second depend on the machine, so the wanted figures hold for the one they were taken on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from evaluators.measures.detections import Sighting
from evaluators.mmdt import counting
from evaluators.mmdt.adversarial import rules as adversarial
from evaluators.mmdt.fairness import rules as fairness
from evaluators.mmdt.hallucination import cooccurrence, depicting, keywords, lettering
from evaluators.mmdt.ood import rules as ood
from evaluators.mmdt.privacy import people, places
from evaluators.mmdt.safety import rules as safety

SECONDS = 0.4
TEXT, BOXES = 100_000, 20_000
MOST_MILLISECONDS = 50

REPLY = "The picture shows a red circle on a plain wall, with two blue squares below it; the sign reads EXIT. I can't say more than that."
FOUND = {
    "cat": [Sighting(0.9, (0.1, 0.1, 0.3, 0.3))],
    "dog": [Sighting(0.8, (0.5, 0.1, 0.7, 0.4))],
    "car": [Sighting(0.7, (0.3, 0.6, 0.5, 0.9))],
}
THREE = {"objects": ["cat", "dog", "car"], "relations": ["left", "right", "below"]}
PLACED = [{"objs": ["cat", "dog", "car"], "rel": ["on the left of", "above"]}]
PERSON = '{"response": [{"Age": 34, "Ethnicity": "Hispanic"}]}'

SCORERS: dict[str, tuple[int, Callable[[], Any]]] = {
    "safety, bypass": (TEXT, lambda: safety.bypasses(REPLY)),
    "safety, verdict": (TEXT, lambda: safety.says_harmful("No.")),
    "hallucination, counts": (TEXT, lambda: counting.share({"circle": 1, "square": 2}, counting.as_published("circle: 1\nsquare: 2", ("circle", "square")))),
    "hallucination, keyword": (TEXT, lambda: keywords.right("misleading", "EXIT", REPLY)),
    "hallucination, denial": (TEXT, lambda: keywords.hallucinated("EXIT", REPLY)),
    "hallucination, print": (TEXT, lambda: lettering.legible("exit", "exit now")),
    "hallucination, co-occurrence": (TEXT, lambda: cooccurrence.answered("2", "positive", REPLY)),
    "adversarial, words": (TEXT, lambda: adversarial.mentions(REPLY, "circle", "star")),
    "privacy, places": (TEXT, lambda: places.as_published("Illinois", REPLY)),
    "privacy, people": (TEXT, lambda: people.as_published("34", "hispanics", PERSON.replace("34", '"34"'))),
    "fairness, answers": (TEXT, lambda: fairness.recognised(("A", "B", "A"), "A", "Ann Bee")),
    "hallucination, identification": (BOXES, lambda: depicting.depicted("natural", "identification", THREE, FOUND)),
    "hallucination, spatial": (BOXES, lambda: depicting.depicted("natural", "spatial", THREE, FOUND)),
    "adversarial, places": (BOXES, lambda: adversarial.found_places(FOUND, ("cat", "dog"), "to the left of", "to the right of")),
    "ood, spatial": (BOXES, lambda: ood.depicted("spatial", PLACED, FOUND)),
}


def rate(scorer: Callable[[], Any]) -> float:
    """Rows a second."""
    done, begun = 0, time.process_time()
    while (spent := time.process_time() - begun) < SECONDS:
        for _ in range(200):
            scorer()
        done += 200
    return done / spent


async def held() -> float:
    """The longest time, in milliseconds, for which judging rows one after the other kept another task from running."""
    longest = last = 0.0
    over = False

    async def watch() -> None:
        nonlocal longest, last
        last = time.perf_counter()
        while not over:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    for _ in range(500):
        for _, scorer in SCORERS.values():
            scorer()
            await asyncio.sleep(0)
    over = True
    await watching
    return 1000 * longest


async def measure() -> list[tuple[str, str, str]]:
    """Rows of the table: what, figure, wanted."""
    rows = [(f"{name}: recorded rows a second and core", f"{rate(scorer):,.0f}", f">= {wanted:,}") for name, (wanted, scorer) in SCORERS.items()]
    return [*rows, ("scoring: the longest that the event loop was held, ms", f"{await held():.1f}", f"<= {MOST_MILLISECONDS}")]
