"""What every entry of a catalog may say."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kernel.documents import Strict


class Entry(Strict):
    """How many calls at once, and the seconds that one may take."""

    at_once: Annotated[int, Field(ge=1, le=10_000)] | None = None
    deadline: Annotated[float, Field(gt=0, le=86_400)] | None = None
