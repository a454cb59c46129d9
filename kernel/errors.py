"""The errors of Assay, one tree. They know nothing of gRPC or HTTP; `gateway.status` maps `ModelError`s there and back.

AssayError
├── UserError                the caller's mistake: exit code 2
│   ├── InvalidSpec          a suite, catalog or option that cannot be read as one
│   ├── UnknownName          no model, evaluator, suite or run of that name
│   ├── WrongKind            a model of another kind than the task asks
│   ├── NewerStore           the store was made by a newer Assay
│   ├── StoreInUse           another process writes to this store
│   └── BadStore             the file is not a store, or is damaged
├── StoreError               the disk is full, broken or gone: exit code 3
├── Unbalanced               planned is not scored + failed + unscored + skipped; a defect of ours
├── EvaluatorError           a plugin raised or returned what it may not
├── NotKept                  an answer that has to come from the store is not in it
├── RoleUnfilled             nobody plays the judge or instrument that a score needs
├── GatewayError             Triton cannot be started or kept up
└── ModelError               a call that brought no reply
    ├── InvalidRequest       the request itself is wrong
    │   └── TooLarge         over the size limit
    ├── ModelNotFound        no such model behind the address
    ├── Unauthenticated      the key is missing or wrong
    ├── PermissionDenied     the key may not do this
    ├── Unsupported          the model cannot do what is asked
    ├── RateLimited          asked too often
    ├── QuotaExhausted       the budget or account is used up
    ├── DeadlineExceeded     no answer in time
    ├── Cancelled            the caller gave up
    ├── Unavailable          not reachable just now
    ├── ModelCrashed         the model's process died on the request
    ├── BadReply             an answer that breaks the contract
    └── ModelFault           anything else the model raised
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class AssayError(Exception):
    """Root of the tree. `exit_code` is what the command line ends with."""

    exit_code = 1


class UserError(AssayError):
    """What was found, what was expected and what to do, in one line."""

    exit_code = 2


class InvalidSpec(UserError):
    """A file or option that does not say what it must. Holds every fault, each with its path."""

    def __init__(self, where: str, faults: Iterable[str]) -> None:
        self.where = where
        self.faults = tuple(faults)
        super().__init__(f"{where}: " + "; ".join(self.faults))


class UnknownName(UserError):
    """A name that nobody registered, with the nearest ones that somebody did."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        self.what, self.name = what, name
        self.known = sorted(known)
        close = get_close_matches(name, self.known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(self.known) or 'none'}"
        super().__init__(f"no {what} named {name!r}; {hint}")


class WrongKind(UserError):
    """A model that cannot be asked what the task asks."""


class NewerStore(UserError):
    """The store has a schema that this version does not know."""


class StoreInUse(UserError):
    """Another process holds the store for writing."""


class BadStore(UserError):
    """The file at the store's path is something else, or damaged."""


class StoreError(AssayError):
    """The store could not write. What it acknowledged before is still there."""

    exit_code = 3


class Unbalanced(AssayError):
    """The outcomes of a task do not add up to what was planned."""


class EvaluatorError(AssayError):
    """An evaluator raised, or returned something that is no score."""


class NotKept(AssayError):
    """The store holds no reply to this request, and no model may be asked."""


class RoleUnfilled(AssayError):
    """No model of the catalog plays a role, such as `judge`, that a score needs."""

    def __init__(self, role: str) -> None:
        super().__init__(f"no model plays the {role}; name one in the catalog, such as roles: {{{role}: NAME}}")


class GatewayError(AssayError):
    """The inference server cannot be started or kept up."""

    exit_code = 4


class ModelError(AssayError):
    """A call that brought no reply.

    retryable: another try may succeed. retry_after: seconds to wait first, when the other side said so.
    blocks: the whole model is unusable until a person acts, so a run stops asking it.
    """

    retryable = False
    blocks = False

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class InvalidRequest(ModelError):
    """The request is wrong in itself; asking again brings the same."""


class TooLarge(InvalidRequest):
    """Over the size limit of the contract."""


class ModelNotFound(ModelError):
    """No such model behind the address."""

    blocks = True


class Unauthenticated(ModelError):
    """The key is missing or wrong."""

    blocks = True


class PermissionDenied(ModelError):
    """The key is right and may not do this."""

    blocks = True


class Unsupported(ModelError):
    """The model cannot do what is asked."""


class RateLimited(ModelError):
    """Asked too often; wait and ask again."""

    retryable = True


class QuotaExhausted(ModelError):
    """The budget or the account is used up."""

    blocks = True


class DeadlineExceeded(ModelError):
    """No answer came in time."""


class Cancelled(ModelError):
    """The caller gave up the call."""


class Unavailable(ModelError):
    """Not reachable just now."""

    retryable = True


class ModelCrashed(ModelError):
    """The model's process died, and did so again when asked again."""


class BadReply(ModelError):
    """The answer breaks the contract; says which tensor and which rule."""


class ModelFault(ModelError):
    """Anything else that the model raised."""


def model_errors() -> dict[str, type[ModelError]]:
    """Every class of the `ModelError` branch by name."""
    found: dict[str, type[ModelError]] = {}
    queue: list[type[ModelError]] = [ModelError]
    while queue:
        cls = queue.pop()
        found[cls.__name__] = cls
        queue.extend(cls.__subclasses__())
    return found
