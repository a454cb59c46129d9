"""`assay check`, as people run it, with a stranger's checks: what is shown, and what the exit code says."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kernel.shell import checking
from tests.kernel.shell.on_a_terminal import shown_by

PLUGINS = Path(__file__).parents[2] / "plugins"
ASSAY = [sys.executable, "-c", "from kernel.shell.cli import main; main()"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PLUGINS)}


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*ASSAY, "check", *arguments, "--gateway", "stranger"]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)


def test_a_server_that_fits_ends_with_0():
    done = check("somewhere", "fine", "--kind", "embed", "--text", "hello", "--thorough")

    assert done.returncode == 0, done.stderr
    assert "server somewhere  all 1 fit" in done.stdout
    assert "model fine  1 could be better, 1 told" in done.stdout
    assert "kind embed, text hello, thorough True" in done.stdout
    assert done.stderr == ""


def test_a_server_that_does_not_fit_ends_with_1_and_says_how_to_mend_it():
    done = check("somewhere")
    words = " ".join(done.stdout.split())

    assert done.returncode == 1, done.stderr
    assert words.index("model fine") < words.index("model lame") < words.index("does not fit")
    assert "answers does not fit no answer promise: It answers. mend: make it answer" in words
    assert words.count("mend: count them") == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing"], "the server lists no models; name one"),
        (["somewhere", "--kind", "telepathy"], "telepathy"),
        (["somewhere", "--gateway", "nobody"], "no gateway with checks named 'nobody'"),
        ([], "address"),
    ],
)
def test_a_users_mistake_ends_with_2(arguments: list[str], told: str):
    command = [*ASSAY, "check", *(["--gateway", "stranger"] if "--gateway" not in arguments else []), *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert told in done.stderr.lower()
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_was_found_before_the_mistake_is_shown():
    assert "live at nothing" in check("nothing").stdout


def test_foreign_text_moves_nothing():
    """Names, findings, states: whoever wrote them, they are shown and not obeyed, and cut where they are long."""
    done = check("somewhere", "evil")

    assert done.returncode == 0, done.stderr
    assert not set("\x1b\x07\u202e\r") & set(done.stdout)
    assert "[bold]" in done.stdout
    assert "more characters)" in " ".join(done.stdout.split())
    assert len(done.stdout) < 20_000


def test_on_a_terminal_the_tables_stay():
    """What is being asked is shown meanwhile, and gone in the end."""
    code, shown = shown_by([*ASSAY, "check", "somewhere", "--gateway", "stranger"], ENVIRONMENT)

    assert code == 1
    assert b"make it answer" in shown


@dataclass(frozen=True)
class Found:
    """A finding that tells where."""

    address: str
    model: str
    status: str = "fits"
    check: str = "is asked"
    found: str = "an answer"
    promise: str = ""
    mend: str = ""


async def test_servers_of_one_name_have_their_own_tables(capsys: pytest.CaptureFixture[str]):
    """Their address is the title, not what was asked for; what a server says of itself is not taken for another's."""

    async def findings():
        for address in ("grpc://one:1", "grpc://two:2"):
            yield Found(address, "")
            yield Found(address, "m")
        yield Found("grpc://three\x1b[2J:3", "", "does not fit")
        yield Found("grpc://four:4", "")

    fits = await checking.show(findings(), "ours")
    shown = capsys.readouterr().out

    assert not fits
    titles = [line.split()[1] for line in shown.splitlines() if line.startswith(("server ", "model "))]
    assert titles == ["grpc://one:1", "m", "grpc://two:2", "m", "grpc://three\u241b[2J:3", "grpc://four:4"]
