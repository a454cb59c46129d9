"""Documents that people write: all faults at once, by path and line; nothing that YAML could do behind one's back."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.documents import BYTES_LIMIT, Strict, parse, read, validate
from kernel.errors import InvalidSpec


class Inner(Strict):
    name: str
    count: int = 1


class Outer(Strict):
    title: str
    inner: Inner
    more: list[Inner] = []
    ratio: float = 0.5


def faults(text: bytes) -> tuple[str, ...]:
    with pytest.raises(InvalidSpec) as caught:
        validate(Outer, *_both(text))
    return caught.value.faults


def _both(text: bytes):
    data, lines = parse(text, "doc")
    return data, "doc", lines


def test_a_good_document_is_read():
    assert validate(Outer, *_both(b"title: a\ninner: {name: no, count: 3}\n")) == Outer(title="a", inner=Inner(name="no", count=3))


def test_every_fault_is_told_at_once_with_path_and_line():
    found = faults(b"titel: a\ninner:\n  name: 3\n  cuont: 2\nmore:\n  - {name: x, count: many}\n")
    assert found == (
        "line 1: title: field required",
        "line 3: inner.name: input should be a valid string (found 3)",
        "line 4: inner.cuont: unknown key; did you mean 'count'?",
        "line 6: more.0.count: input should be a valid integer (found 'many')",
        "line 1: titel: unknown key; did you mean 'title'?",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "the file is empty"),
        (b"title: a\ntitle: b\n", "line 2: title: the key stands twice; keep one"),
        (b"a: {b: 1, b: 2}", "line 1: a.b: the key stands twice; keep one"),
        (b"a: &x [1]\nb: *x", "line 2: aliases (*name) are not allowed; write the value out"),
        (b"a: !!python/object:os.system x", "line 1: could not determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system'"),
        (b"[" * 10_000, "line 1: more than 64 levels"),
        (b"\xffa: 1", "byte 0 is not UTF-8; save the file as UTF-8"),
        ("a: ü".encode("latin-1"), "byte 3 is not UTF-8; save the file as UTF-8"),
        ("a: ü".encode("utf-16"), "byte 0 is not UTF-8; save the file as UTF-8"),
        (b"a:\t1\n\tb: 2", "line 1: found character '\\t' that cannot start any token"),
        (b"a: \x00", None),
        (b"a: [1", None),
    ],
)
def test_what_is_no_plain_document_is_refused(text: bytes, told: str | None):
    with pytest.raises(InvalidSpec) as caught:
        parse(text, "doc")
    assert told is None or caught.value.faults == (told,)


@pytest.mark.parametrize("value", [b"yes", b"no", b"08", b"1:30", b"2026-01-01", b"on", b"~x"])
def test_words_stay_words(value: bytes):
    """Norway is no boolean, and a date is no object."""
    assert parse(b"a: " + value, "doc")[0] == {"a": value.decode()}


@pytest.mark.parametrize("value", [b"true", b"1e309", b".nan", b".inf", b"'1'"])
def test_odd_numbers_are_no_counts(value: bytes):
    assert len(faults(b"title: a\ninner: {name: x, count: " + value + b"}")) == 1


@pytest.mark.parametrize("value", [b".nan", b".inf", b"1.0e999"])
def test_numbers_are_finite(value: bytes):
    assert len(faults(b"title: a\ninner: {name: x}\nratio: " + value)) == 1


def test_a_large_file_is_refused_at_once():
    begun = time.monotonic()
    with pytest.raises(InvalidSpec, match="bytes; at most"):
        parse(b"a" * (BYTES_LIMIT + 1), "doc")
    assert time.monotonic() - begun < 5


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path):
    for path in (tmp_path / "nothing.yaml", tmp_path):
        with pytest.raises(InvalidSpec, match="no such file"):
            read(path, Outer)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(text: bytes):
    try:
        validate(Outer, *_both(text))
    except InvalidSpec as error:
        assert str(error).startswith("doc: ")
