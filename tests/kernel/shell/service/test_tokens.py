"""Tokens: what the file holds and does not, who is found by one, and how soon a change counts."""

from __future__ import annotations

import hashlib
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from kernel.errors import InvalidSpec, UnknownName, UserError
from kernel.shell.service.tokens import Anyone, NoCaller, TokenFile, TokensUnreadable, add_token, list_tokens, revoke_token


class Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2031, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.yaml"


@pytest.fixture
def token(file: Path) -> str:
    return add_token(file, "nightly", "vision", {"read", "run"}, datetime(2031, 1, 1, 0, 1, tzinfo=UTC))


@pytest.fixture
def known(file: Path, token: str, time: Time) -> TokenFile:
    return TokenFile(file, clock=time.clock, now=time.now)


def entry(value: str | bytes, key: str = "authorization") -> tuple[str, str | bytes]:
    return key, value


def test_the_file_holds_the_hash_alone_and_is_its_owners(file: Path, token: str):
    text = file.read_text()

    assert token.removeprefix("assay_") not in text
    assert len(token.removeprefix("assay_")) == 43, "256 bits"
    assert hashlib.sha256(token.encode()).hexdigest() in text
    assert file.stat().st_mode & 0o777 == 0o600
    assert list_tokens(file)[0].model_dump(mode="json")["expires"] == "2031-01-01T00:01:00Z"
    assert [path.name for path in file.parent.iterdir()] == ["tokens.yaml"]


def test_a_token_stands_for_its_caller(known: TokenFile, token: str):
    caller = known.find([("user-agent", "x"), entry(f"Bearer {token}")])

    assert (caller.name, caller.namespace, caller.scopes) == ("nightly", "vision", frozenset({"read", "run"}))
    assert known.holds(caller)
    assert caller.digest not in repr(caller)
    assert known.find([entry(f"bearer {token}")]) == caller


@pytest.mark.parametrize(
    "told",
    [
        [],
        ["{t}"],
        ["Bearer"],
        ["Bearer "],
        ["Basic {t}"],
        ["Bearer  {t}"],
        ["Bearer {t} "],
        [" Bearer {t}"],
        ["Bearer {t}\n"],
        ["Bearer {t}x"],
        ["Bearer {t}", "Bearer {t}"],
        ["Bearer {t}", "Bearer other"],
        ["Bearer {t},Bearer {t}"],
        ["Bearer assay_" + "A" * 43],
        ["Bearer " + "x" * 1_000_000],
    ],
)
def test_whatever_is_wrong_with_it_nobody_is_found_and_the_words_are_the_same(known: TokenFile, token: str, told: list[str]):
    with pytest.raises(NoCaller) as caught:
        known.find([entry(value.replace("{t}", token)) for value in told])
    assert str(caught.value) == str(NoCaller())


def test_it_counts_in_its_own_entry_alone(known: TokenFile, token: str):
    for key in ("x-authorization", "authorization-bin", "cookie"):
        with pytest.raises(NoCaller):
            known.find([entry(f"Bearer {token}", key)])
    with pytest.raises(NoCaller):
        known.find([entry(f"Bearer {token}".encode())])


def test_an_expired_token_finds_nobody_from_the_second_on(known: TokenFile, token: str, time: Time):
    time.seconds = 59.9
    caller = known.find([entry(f"Bearer {token}")])
    time.seconds = 60.0

    assert not known.holds(caller)
    with pytest.raises(NoCaller):
        known.find([entry(f"Bearer {token}")])


def test_a_revoked_token_finds_nobody_half_a_second_later(file: Path, known: TokenFile, token: str, time: Time):
    caller = known.find([entry(f"Bearer {token}")])
    revoke_token(file, "nightly")
    again = add_token(file, "nightly", "vision", {"read", "run"})
    time.seconds = 0.5

    assert not known.holds(caller)
    with pytest.raises(NoCaller):
        known.find([entry(f"Bearer {token}")])
    assert known.find([entry(f"Bearer {again}")]).name == "nightly"


def test_the_file_is_looked_at_twice_a_second_at_most(file: Path, known: TokenFile, token: str, time: Time):
    revoke_token(file, "nightly")
    time.seconds = 0.49

    assert known.find([entry(f"Bearer {token}")])


@pytest.mark.parametrize("spoil", [lambda file: file.write_text("tokens: [{name: "), lambda file: file.unlink(), lambda file: file.chmod(0o666)])
def test_a_file_that_cannot_be_read_lets_nobody_in_until_it_can(file: Path, known: TokenFile, token: str, time: Time, spoil):
    caller, text = known.find([entry(f"Bearer {token}")]), file.read_text()
    spoil(file)
    time.seconds = 1.0

    with pytest.raises(TokensUnreadable):
        known.find([entry(f"Bearer {token}")])
    assert known.holds(caller), "who is in stays in"
    file.write_text(text)
    file.chmod(0o600)
    time.seconds = 2.0
    assert known.find([entry(f"Bearer {token}")]) == caller


def test_a_server_does_not_start_on_a_file_that_cannot_be_read(file: Path):
    with pytest.raises(InvalidSpec, match="no such file"):
        TokenFile(file)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "../x"}, "tokens.0.name"),
        ({"namespace": "Über"}, "tokens.0.namespace"),
        ({"namespace": ""}, "tokens.0.namespace"),
        ({"scopes": []}, "tokens.0.scopes"),
        ({"scopes": ["admin"]}, "tokens.0.scopes.0"),
        ({"sha256": "0" * 63}, "tokens.0.sha256"),
        ({"expires": "2031-01-01T00:00:00"}, "tokens.0.expires"),
        ({"secret": "x"}, "tokens.0.secret: unknown key"),
    ],
)
def test_what_the_file_may_not_hold_is_told_by_its_path(file: Path, change: dict, told: str):
    whole = {"name": "a", "namespace": "b", "scopes": ["read"], "sha256": "0" * 64}
    file.write_text(yaml.safe_dump({"tokens": [{**whole, **change}]}))

    with pytest.raises(InvalidSpec) as caught:
        list_tokens(file)
    assert told in str(caught.value)


@pytest.mark.parametrize("same", ["name", "sha256"])
def test_two_tokens_share_neither_name_nor_hash(file: Path, same: str):
    one = {"name": "a", "namespace": "b", "scopes": ["read"], "sha256": "0" * 64}
    other = {"name": "c", "namespace": "b", "scopes": ["read"], "sha256": "1" * 64, same: one[same]}
    file.write_text(yaml.safe_dump({"tokens": [one, other]}))

    with pytest.raises(InvalidSpec, match=f"two have the {same}"):
        list_tokens(file)


def test_what_cannot_be_added_leaves_the_file_as_it_was(file: Path, token: str):
    before = file.read_bytes()

    with pytest.raises(UserError, match="already"):
        add_token(file, "nightly", "vision", {"read"})
    with pytest.raises(UserError, match="is over"):
        add_token(file, "late", "vision", {"read"}, datetime(2001, 1, 1, tzinfo=UTC))
    for name, namespace, scopes in (("A", "vision", {"read"}), ("a", "Vision", {"read"}), ("a", "vision", set()), ("a", "vision", {"rd"})):
        with pytest.raises(InvalidSpec):
            add_token(file, name, namespace, scopes)
    with pytest.raises(UnknownName, match="did you mean 'nightly'"):
        revoke_token(file, "nightli")
    assert file.read_bytes() == before


def test_tokens_that_are_added_at_once_are_all_there(file: Path):
    threads = [threading.Thread(target=add_token, args=(file, f"t{number}", "a", {"score"})) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {token.name for token in list_tokens(file)} == {f"t{number}" for number in range(16)}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(InvalidSpec, match="folder cannot be read"):
        add_token(tmp_path / "nowhere" / "tokens.yaml", "a", "b", {"read"})


def test_where_no_tokens_are_asked_for_everybody_may_everything():
    caller = Anyone().find([])

    assert (caller.namespace, caller.scopes) == ("default", frozenset({"read", "run", "score"}))
    assert Anyone().holds(caller)


def test_an_editor_that_writes_in_place_counts_too(file: Path, known: TokenFile, token: str, time: Time):
    before = file.stat()
    file.write_text(file.read_text().replace("vision", "speech"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    time.seconds = 0.6

    assert known.find([entry(f"Bearer {token}")]).namespace == "speech"
