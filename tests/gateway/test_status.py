"""The table between our errors and gRPC's codes, walked in both directions."""

import grpc
import pytest

from gateway import status
from kernel.errors import (
    ModelError,
    ModelFault,
    ModelNotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    model_errors,
)

OURS = [cls for cls in model_errors().values() if cls.__module__ == "kernel.errors"]


def test_every_error_has_a_code_of_its_own():
    """One to one: the code alone already tells the error."""
    assert set(OURS) == set(status.CODES)
    assert len(status.CODES) == len(set(status.CODES.values()))


@pytest.mark.parametrize("cls", OURS)
def test_an_error_survives_by_its_code(cls):
    """As from a server that knows the table and sends nothing else."""
    assert cls is type(status.error_of(status.CODES[cls], "as told"))


@pytest.mark.parametrize("retry_after", [None, 0.25, 40.0])
@pytest.mark.parametrize("cls", OURS)
def test_an_error_survives_in_metadata(cls, retry_after):
    """As from a service of ours, whatever code a proxy in between makes of it."""
    sent = cls("as told", retry_after=retry_after)

    got = status.error_of(grpc.StatusCode.UNKNOWN, str(sent), status.metadata_of(sent))

    assert (cls, "as told", retry_after) == (type(got), str(got), got.retry_after)


@pytest.mark.parametrize("retry_after", [None, 0.25, 40.0])
@pytest.mark.parametrize("cls", OURS)
def test_an_error_survives_in_the_text_of_triton(cls, retry_after):
    """As from a model inside Triton, with or without the request id that Triton puts before."""
    sent = cls("line\nline é", retry_after=retry_after)

    for before in ("", "[request id: a-1] "):
        got = status.error_of(grpc.StatusCode.INTERNAL, before + status.text_of(sent))

        assert (cls, "line\nline é", retry_after) == (type(got), str(got), got.retry_after)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_code_is_an_error_of_ours(code):
    """No status is without meaning."""
    assert isinstance(status.error_of(code, "words"), ModelError)


def test_a_subclass_travels_as_the_error_that_it_is():
    """A dead process is known inside the gateway only."""
    error = status.ProcessDied("gone")

    assert (grpc.StatusCode.UNAVAILABLE, "Unavailable") == (status.code_of(error), status.name_of(error))


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("INTERNAL", "Stub process 'm_0_0' is not healthy.", status.ProcessDied),
        ("NOT_FOUND", "Request for unknown model: 'm' has no available versions", Unavailable),
        ("NOT_FOUND", "Request for unknown model: 'm' is not found", ModelNotFound),
        ("RESOURCE_EXHAUSTED", "CLIENT: Received message larger than max (67108930 vs. 67108864)", TooLarge),
        ("RESOURCE_EXHAUSTED", "slow down", RateLimited),
        ("UNAVAILABLE", "This protocol is restricted, expecting header 'triton-grpc-protocol-x'", Unauthenticated),
        ("UNAVAILABLE", "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Connection refused", Unavailable),
        ("ALREADY_EXISTS", "shared memory region 'a' already in manager", ModelFault),
    ],
)
def test_the_words_of_triton_are_understood(code, text, expected):
    """And none of them reaches the user that names a machine's inside."""
    error = status.error_of(grpc.StatusCode[code], text, model="m", identifier="a-1")

    assert expected is type(error)
    assert not any(secret in str(error) for secret in ("127.0.0.1", "region", "triton-grpc", "_0_0"))


@pytest.mark.parametrize(
    "text",
    [
        "cannot open /home/someone/models/m/1/model.py",
        "at 0x7f2a88c0",
        "key triton_python_backend_shm_region_4a1",
        "peer 10.0.0.7 said no",
        "ipv6:[::1]:8001",
        r"C:\models\m",
        "host vlm.internal:8001",
    ],
)
def test_what_names_the_machine_stays_in_the_log(text):
    """The user gets the id under which the log has it."""
    error = status.error_of(grpc.StatusCode.INTERNAL, text, model="m", identifier="a-1")

    assert "m: the server answered INTERNAL; its words are in the log under request a-1" == str(error)


def test_an_unknown_name_or_number_is_no_danger():
    """Metadata come from outside."""
    told = (("assay-error", "SystemExit"), ("assay-retry-after", "soon"))

    error = status.error_of(grpc.StatusCode.RESOURCE_EXHAUSTED, "words", told)

    assert (RateLimited, None) == (type(error), error.retry_after)
