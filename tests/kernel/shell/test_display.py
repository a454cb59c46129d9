"""The display filter: nothing foreign commands a terminal, hides in it, or turns its text around."""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.shell import display as filters
from kernel.shell.display import display, display_line

BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
OBEYED = {chr(code) for code in (*range(0x0A), *range(0x0B, 0x20), *range(0x7F, 0xA0), *BIDI, 0x2028, 0x2029)}
VISIBLE_FORMATS = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)}
"""Signs of format that are drawn: Arabic and Kaithi number signs, joiners of hieroglyphs."""


def codes(categories: set[str]) -> Iterator[int]:
    """All code points of some categories."""
    return (code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in categories)


@pytest.mark.parametrize("form", ["{}", "a{}b", "{0}{0}", "e{0}{0}{0}{0}{0}{0}"], ids=["alone", "between", "doubled", "piled"])
@pytest.mark.parametrize("show", [display, display_line])
def test_no_code_point_is_obeyed(show, form):
    """Whatever the code point and wherever it stands, the output has no control and encodes as UTF-8."""
    for first in range(0, sys.maxunicode + 1, 0x1000):
        shown = show("\n".join(form.format(chr(code)) for code in range(first, first + 0x1000)), None)

        assert OBEYED.isdisjoint(shown)
        encoded = shown.encode()
        assert b"\x1b" not in encoded
        assert b"\xc2\x9b" not in encoded


def test_what_is_invisible_becomes_visible():
    """Of the controls, formats, separators and surrogates only the newline and signs that are drawn stay."""
    kept = {code for code in codes({"Cc", "Cf", "Cs", "Zl", "Zp"}) if chr(code) in display(chr(code))}

    assert {0x0A} == kept - VISIBLE_FORMATS


def test_every_combining_mark_is_known():
    """The range in which marks are looked up has them all, but for those that are always shown by number."""
    known = range(filters._MARKS_FROM, filters._MARKS_TO)
    outside = {code for code in codes({"Mn", "Mc", "Me"}) if code not in known and chr(code) in display(chr(code))}

    assert set() == outside


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J\x1b]52;c;YQ==\x07", "␛[2J␛]52;c;YQ==␇"),
        ("\x9b2J", "<U+009B>2J"),
        ("wrong\rright", "wrong␍right"),
        ("no\b\byes", "no␈␈yes"),
        ("a\tb", "a␉b"),
        ("a\0b", "a␀b"),
        ("\x7f", "␡"),
        ("\u202egnp.exe", "<U+202E>gnp.exe"),
        ("y\u200bes", "y<U+200B>es"),
        ("\U000e0041", "<U+E0041>"),
        ("\ud800", "<U+D800>"),
        ("one\u2028two", "one<U+2028>two"),
        ("[link=http://x]here[/link]", "[link=http://x]here[/link]"),
        ("né 日本語 🙂 שלום", "né 日本語 🙂 שלום"),
        ("e" + "\u0301" * 1_000_000, "é\u0301\u0301\u0301<+999,996 marks>"),
        ("", ""),
    ],
)
def test_symbols(text, expected):
    """Each thing has the one symbol that the module promises; letters stay."""
    assert unicodedata.normalize("NFD", expected) == unicodedata.normalize("NFD", display(text, limit=None))


def test_a_line_has_no_newline():
    """For tables and logs newlines are symbols too."""
    assert display_line("a\nb\r\nc") == "a␊b␍␊c"
    assert display("a\nb") == "a\nb"


def test_long_text_is_cut_and_says_so():
    """The reader learns how much is missing."""
    assert display("a" * 10_000_000, 3) == "aaa… (9,999,997 more characters)"
    assert display("aaa", 3) == "aaa"


@pytest.mark.parametrize("unit", ["a", "\x1b", "a\x1b", "語", "e\u0301", "\u0301", "\u202e日", "\u202e🙂", "\n", "\ud800x"])
def test_time_is_linear(unit):
    """Ten times the text takes about ten times as long, a few seconds for 10 MB (ten times the promise, for slow machines)."""
    short, long = unit * (300_000 // len(unit)), unit * (3_000_000 // len(unit))
    display(short, None)

    began = time.process_time()
    display(short, None)
    middle = time.process_time()
    display(long, None)
    ended = time.process_time()

    assert ended - middle < max(60 * (middle - began), 1)
    assert ended - middle < 20


@given(st.text(st.characters()), st.integers(0, 50))
def test_shown_text_is_shown_as_it_is(text, limit):
    """What was filtered once is not changed by filtering again, and nothing grows beyond ten times and a note."""
    once = display(text, None)

    assert once == display(once, None)
    assert len(display(text, limit)) <= 10 * limit + 40
