"""Why an item cannot be scored, in words that its sender may read."""

from __future__ import annotations

from collections.abc import Iterable


class Fault(Exception):
    """An item without a result. It is the item's own: its call and its stream go on.

    code: the name of a gRPC status code. faults: path of the field within the item (`scorer.options.size`), what was found and what was expected;
    for a fault that is no field's the path is empty.
    """

    def __init__(self, code: str, *faults: tuple[str, str]) -> None:
        self.code = code
        self.faults = faults
        super().__init__("; ".join(f"{path}: {told}" if path else told for path, told in faults))

    @classmethod
    def invalid(cls, path: str, told: str) -> Fault:
        """A field that does not say what it must."""
        return cls("INVALID_ARGUMENT", (path, told))

    @classmethod
    def missing(cls, path: str, told: str) -> Fault:
        """A name that stands for nothing."""
        return cls("NOT_FOUND", (path, told))

    @classmethod
    def of_options(cls, faults: Iterable[str]) -> Fault:
        """Options that cannot be read, from the faults of an `InvalidSpec`."""
        return cls("INVALID_ARGUMENT", *(_placed(fault) for fault in faults))


def _placed(fault: str) -> tuple[str, str]:
    path, _, told = fault.partition(": ")
    return ("scorer.options", told) if path == "the document" else (f"scorer.options.{path}", told)
