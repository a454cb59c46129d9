"""The items of a stream that have no result yet: what is to be sent, and what is to be sent again when the stream broke."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import grpc

from assay.client.errors import ServiceError
from assay.v1.scoring_pb2 import Item, ItemResult, Scorer

_BYTES_OPEN = 64 * 1024 * 1024
_BYTES_A_MESSAGE = 4 * 1024 * 1024
ENDED_EARLY = "the server ended the stream before every item had its result"


def ended_early() -> ServiceError:
    """What a stream is worth that ended well, but too soon."""
    return ServiceError(grpc.StatusCode.UNAVAILABLE, ENDED_EARLY)


class Backlog:
    """Items in the order in which they came, each until its result is there. Of one thread at a time.

    batch: items in one message, at most; a message is also no larger than 4 MiB unless one item is.
    in_flight: items without a result, at most; nor more than 64 MiB of them.
    """

    def __init__(self, batch: int, in_flight: int) -> None:
        if not 1 <= batch <= 4096 or in_flight < 1:
            raise ValueError(f"batch is {batch} and in_flight {in_flight}; batch has to be 1 to 4096, in_flight at least 1")
        self._batch = batch
        self._in_flight = in_flight
        self._open: dict[str, tuple[Item, int]] = {}
        self._unsent: deque[str] = deque()
        self._bytes = 0
        self._scorer: Scorer | None = None

    @property
    def full(self) -> bool:
        """Whether results have to come before more items may."""
        return len(self._open) >= self._in_flight or self._bytes >= _BYTES_OPEN

    @property
    def unsent(self) -> bool:
        """Whether something is to be sent."""
        return bool(self._unsent)

    @property
    def empty(self) -> bool:
        """Whether every item has its result."""
        return not self._open

    def add(self, item: Item) -> None:
        """Take an item; one without a scorer gets that of the item before. Raises `ValueError` for an id that waits for its result already."""
        if item.id in self._open:
            raise ValueError(f"id {item.id!r} stands twice among the items that have no result yet; give each its own")
        if item.HasField("scorer"):
            self._scorer = item.scorer
        elif self._scorer is not None:
            whole = Item(scorer=self._scorer)
            whole.MergeFrom(item)
            item = whole
        size = item.ByteSize()
        self._open[item.id] = item, size
        self._unsent.append(item.id)
        self._bytes += size

    def take(self) -> list[Item]:
        """The items of the next message."""
        taken: list[Item] = []
        room = _BYTES_A_MESSAGE
        while self._unsent and len(taken) < self._batch:
            item, size = self._open[self._unsent[0]]
            room -= size
            if taken and room < 0:
                break
            taken.append(item)
            self._unsent.popleft()
        return taken

    def settle(self, results: Iterable[ItemResult]) -> list[ItemResult]:
        """Those of the results that an item waits for."""
        settled = []
        for result in results:
            known = self._open.pop(result.id, None)
            if known is not None:
                self._bytes -= known[1]
                settled.append(result)
        return settled

    def again(self) -> None:
        """Nothing that has no result counts as sent."""
        self._unsent = deque(self._open)
