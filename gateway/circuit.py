"""When to try again what keeps dying: at once, until it died three times in a minute; then after pauses that double.

One request that kills its model may die on three tries; the next request that is answered closes the circuit again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

DEATHS = 3
WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 60.0


class Circuit:
    """Counts deaths. Open means: it is left alone until `remaining` is over, and one more death opens it again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, first_pause: float = FIRST_PAUSE_SECONDS) -> None:
        self._clock = clock
        self._first_pause = first_pause
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._pause = 0.0
        self._until = 0.0

    def died(self) -> bool:
        """Note a death; whether the circuit is open now."""
        now = self._clock()
        if self._pause and now - self._until > WINDOW_SECONDS:
            self._pause = 0.0
            self._deaths.clear()
        self._deaths.append(now)
        too_often = len(self._deaths) == DEATHS and now - self._deaths[0] <= WINDOW_SECONDS
        if self._pause or too_often:
            self._pause = min(self._pause * 2 or self._first_pause, LONGEST_PAUSE_SECONDS)
            self._until = now + self._pause
        return self.remaining() > 0

    def proved(self) -> None:
        """It did real work since it was tried again: what was before is forgiven."""
        if self._pause:
            self._pause = self._until = 0.0
            self._deaths.clear()

    def remaining(self) -> float:
        """Seconds for which it is still left alone; zero while the circuit is closed."""
        return max(0.0, self._until - self._clock())
