"""What an error is to a caller: its code, its details, and what is left out of its words."""

from __future__ import annotations

import pytest

grpc = pytest.importorskip("grpc")
pytest.importorskip("google.rpc")

from google.rpc import error_details_pb2, status_pb2  # noqa: E402 - needs it

from kernel import errors  # noqa: E402
from kernel.errors import AssayError, InvalidSpec, UnknownName  # noqa: E402
from kernel.shell.service import statuses  # noqa: E402
from kernel.shell.service.limits import OverLimit  # noqa: E402
from kernel.shell.service.statuses import AlreadyThere, BadFields, Ended, NotThere, Violation, WrongState, metadata_of, status_of, violations_of  # noqa: E402
from kernel.shell.service.tokens import NoCaller, OutOfScope  # noqa: E402

Code = grpc.StatusCode


def details(status: status_pb2.Status) -> dict[str, object]:
    found = {}
    for packed in status.details:
        detail = getattr(error_details_pb2, packed.TypeName().rsplit(".", 1)[1])()
        assert packed.Unpack(detail)
        found[type(detail).__name__] = detail
    return found


def code(status: status_pb2.Status) -> grpc.StatusCode:
    return next(code for code in Code if code.value[0] == status.code)


def every_error() -> list[type[AssayError]]:
    found, queue = [], [AssayError]
    while queue:
        cls = queue.pop()
        if cls.__module__ == errors.__name__:
            found.append(cls)
        queue.extend(cls.__subclasses__())
    return found


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidSpec("suite", ["x"]), Code.INVALID_ARGUMENT),
        (UnknownName("suite", "x", ["y"]), Code.NOT_FOUND),
        (NotThere("run", "x"), Code.NOT_FOUND),
        (AlreadyThere("run", "x", "another"), Code.ALREADY_EXISTS),
        (WrongState("it is running"), Code.FAILED_PRECONDITION),
        (Ended("over"), Code.UNAVAILABLE),
        (NoCaller(), Code.UNAUTHENTICATED),
        (OutOfScope("run"), Code.PERMISSION_DENIED),
        (OverLimit("calls", 1), Code.RESOURCE_EXHAUSTED),
        (errors.WrongKind("x"), Code.INVALID_ARGUMENT),
        (errors.StoreError("x"), Code.UNAVAILABLE),
        (errors.DeadlineExceeded("x"), Code.DEADLINE_EXCEEDED),
        (errors.TooLarge("x"), Code.INVALID_ARGUMENT),
        (errors.Unauthenticated("x"), Code.FAILED_PRECONDITION),
        (errors.PermissionDenied("x"), Code.FAILED_PRECONDITION),
        (errors.RateLimited("x", retry_after=7), Code.UNAVAILABLE),
        (ValueError("x"), Code.INTERNAL),
        (KeyError("x"), Code.INTERNAL),
    ],
)
def test_each_error_has_its_code(error: Exception, expected: grpc.StatusCode):
    assert code(status_of(error)) == expected


def test_nobody_takes_the_models_key_for_the_callers():
    """A vendor that refuses the server's key is no reason for a caller to look at its own token."""
    for cls in every_error():
        assert statuses.code_of(cls.__new__(cls)) not in (Code.UNAUTHENTICATED, Code.PERMISSION_DENIED, Code.OK)


def test_of_an_exception_that_is_none_of_ours_nothing_is_told_but_the_request():
    status = status_of(RuntimeError("planted canary in /srv/store"), "r-1")

    assert "canary" not in str(status)
    assert list(details(status)) == ["RequestInfo"]
    assert details(status)["RequestInfo"].request_id == "r-1"


@pytest.mark.parametrize("cls", [errors.StoreError, errors.BadStore, errors.StoreInUse, errors.NewerStore, errors.GatewayError, errors.EvaluatorError])
def test_what_speaks_of_the_server_is_told_in_fixed_words(cls: type[AssayError]):
    assert "canary" not in str(status_of(cls("canary /srv/store is full"), "r-1"))


@pytest.mark.parametrize("text", ["/srv/store/a is gone", "found '/etc/x'", "at 10.0.0.7", r"C:\x", "http://host/x", "object at 0x7f3a5c001", "[::1]:8001"])
def test_paths_and_addresses_are_in_no_words(text: str):
    for error in (InvalidSpec("/srv/suite.yaml", [f"model: {text}"]), errors.UserError(text), BadFields([Violation("model", text)]), errors.NotKept(text)):
        assert text not in str(status_of(error))
        assert "/srv" not in str(status_of(error))


@pytest.mark.parametrize("text", ["mmdt.safety/typography", "share of 1/2", "and/or", "version 1.2.3", "JSON Schema (2020-12)", "accuracy/reference"])
def test_words_that_only_look_like_paths_are_told(text: str):
    assert status_of(errors.UserError(text)).message == text


def test_every_fault_of_a_suite_is_a_field():
    status = status_of(InvalidSpec("suite", ["line 3: tasks.0.evaluator: unknown key; did you mean 'x'?", "the file is empty"]))

    told = details(status)["BadRequest"].field_violations
    assert [(fault.field, fault.description) for fault in told] == [
        ("tasks.0.evaluator", "unknown key; did you mean 'x'?"),
        ("", "the file is empty"),
    ]
    assert details(status)["ErrorInfo"].reason == "INVALID_SPEC"
    assert details(status)["ErrorInfo"].domain == "assay"


def test_faults_of_a_document_within_a_message_have_its_path_before_theirs():
    found = violations_of(InvalidSpec("suite", ["tasks.0.k: too small", "empty"]), "inline_suite")

    assert found == (Violation("inline_suite.tasks.0.k", "too small"), Violation("inline_suite", "empty"))


def test_a_limit_tells_which_and_when_to_ask_again():
    told = details(status_of(OverLimit("items a second", 100, 1.25), "r"))

    assert told["RetryInfo"].retry_delay.ToMilliseconds() == 1250
    assert told["QuotaFailure"].violations[0].subject == "items a second"
    assert "100 items a second" in told["QuotaFailure"].violations[0].description


def test_what_may_be_asked_again_says_when_and_what_may_not_does_not():
    assert details(status_of(errors.Unavailable("x")))["RetryInfo"].retry_delay.ToMilliseconds() == 1000
    assert "RetryInfo" not in details(status_of(InvalidSpec("x", ["y"])))


def test_a_run_that_is_elsewhere_is_told_in_the_words_of_one_that_is_nowhere():
    resource = details(status_of(NotThere("run", "r-7")))["ResourceInfo"]

    assert (resource.resource_type, resource.resource_name) == ("run", "r-7")
    assert str(NotThere("run", "r-7")) == "no run named 'r-7'"


@pytest.mark.parametrize(
    "error",
    [
        InvalidSpec("x", [f"tasks.{n}.{'é' * 5000}: {'漢' * 5000}" for n in range(500)]),
        BadFields([Violation("x" * 10_000, "y" * 10_000)] * 1000),
        BadFields([Violation("items[0].id", "\ud800 found")]),
        NotThere("run", "漢" * 100_000),
        UnknownName("suite", "x" * 100_000, ["y" * 1000] * 100),
        errors.UserError("\U0001f600" * 100_000),
    ],
)
def test_whatever_the_error_it_fits_into_metadata(error: Exception):
    status = status_of(error, "r" * 128)
    trailing = metadata_of(status, "r" * 128)

    assert sum(len(key) + len(value) * 4 / 3 for key, value in trailing) + len(status.message.encode()) * 3 < 10_000
    assert details(status)["RequestInfo"]


def test_of_many_faults_the_first_are_told_and_how_many_there_are():
    told = details(status_of(BadFields([Violation(f"items[{n}]", "empty") for n in range(4096)])))["BadRequest"].field_violations

    assert told[0].field == "items[0]"
    assert told[-1].description == "and 4,080 more"


def test_a_class_that_is_not_in_the_table_has_its_nearest_ancestors_code_and_name():
    class Worse(InvalidSpec):
        pass

    assert details(status_of(Worse("x", ["y: z"])))["ErrorInfo"].reason == "INVALID_SPEC"
