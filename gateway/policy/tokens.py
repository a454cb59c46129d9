"""How many tokens a call may take, told before it is made. Vendors count differently; this is on the careful side."""

from __future__ import annotations

from kernel.contract import Request

BYTES_A_TOKEN = 3
PICTURE_TOKENS = 1_600
"""What the vendors charge for a large picture, about; a small one takes less."""
USUAL_ANSWER = 512
"""For a request that says no `max_tokens`."""


def question_tokens(request: Request) -> int:
    """Tokens that go in."""
    said = [request.text, request.system or "", request.negative or "", *(turn.text for turn in request.history)]
    return sum(len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN + 4 for text in said if text) + PICTURE_TOKENS * len(request.pictures)


def answer_tokens(request: Request, usual: int | None = None) -> int:
    """Tokens that come out, at most."""
    return (request.sampling.max_tokens or usual or USUAL_ANSWER) * (request.sampling.n or 1)
