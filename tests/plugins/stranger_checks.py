"""A stranger's checks, found as those of any gateway: of a server whose models all say in their names what is wrong with them."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.errors import UserError

EVIL = "\x1b[2J\x1b]0;owned\x07\u202eevil\r\n[bold]"


@dataclass(frozen=True)
class Finding:
    """What `kernel.shell.checking` takes."""

    model: str
    check: str
    status: str
    found: str
    promise: str = ""
    mend: str = ""


async def check_server(address, model=None, *, kind=None, text=None, thorough=False):
    """Address `nothing` lists no model; everybody else has the model that is named, or `fine` and `lame`."""
    yield Finding("", "is live", "fits", f"live at {address}")
    if address == "nothing":
        raise UserError("the server lists no models; name one")
    for name in [model] if model else ["fine", "lame"]:
        yield Finding(name, "is asked", "told", f"kind {kind}, text {text}, thorough {thorough}")
        yield Finding(name, "has tokens", "could be better", "none", "Tokens are counted.", "count them")
        if name == "lame":
            yield Finding(name, "answers", "does not fit", "no answer", "It answers.", "make it answer")
        if name == "evil":
            yield Finding(EVIL, EVIL, EVIL, EVIL * 1000, EVIL, EVIL)
