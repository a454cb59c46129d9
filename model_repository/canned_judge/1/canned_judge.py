"""Answers judges' prompts by rule: reads form, keys and marker out of a prompt, and has the form give the verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from judge_forms import FORMS
from pydantic import ValidationError

from gateway import jsontext
from gateway.pictures import decode
from kernel.contract import Finish, Reply, Request
from kernel.errors import InvalidRequest, ModelError

HEAD = re.compile(r"judge: *(\w+) *")
RULE = "---"
KEY = re.compile(r"(\w+): ?(.*)")
MARKER = "marker"
EXPECTED = f"expected a first line 'judge: FORM' in the system text, FORM one of {', '.join(FORMS)}"


class CannedJudge:
    """A model for `gateway.batched`."""

    def answer(self, requests: Sequence[Request]) -> list[Reply | ModelError]:
        """A verdict for each request; what cannot be read as a question costs no other."""
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> Reply | ModelError:
        try:
            pictures = [decode(picture.data) for picture in request.pictures]
            form, marker, keys = _read(request)
            verdict = _question(form, keys).verdict(pictures)
        except ModelError as error:
            return error
        text = verdict if marker is None else json.dumps({MARKER: marker, "verdict": verdict}, ensure_ascii=False)
        return Reply(texts=(text,), finish=(Finish.STOP,))


def _read(request: Request) -> tuple[str, str | None, dict[str, Any]]:
    """Form, marker and keys. Where there is no system text, as in a canary, the first line of the text has the form."""
    head = (request.text if request.system is None else request.system).split("\n", 1)[0]
    match = HEAD.fullmatch(head)
    if match is None:
        raise InvalidRequest(f"the prompt begins with {head[:60]!r}; {EXPECTED}")
    if match[1] not in FORMS:
        raise InvalidRequest(f"{match[1]!r} is no form of this judge; {EXPECTED}")
    lines = request.text.split("\n")
    if RULE not in lines:
        raise InvalidRequest(f"the text has no line {RULE!r}; expected one, and after it lines 'key: value' with values in JSON")
    block = lines[len(lines) - lines[::-1].index(RULE) :]
    keys: dict[str, Any] = {}
    for line in filter(None, block):
        name, value = _key(line)
        if name in keys:
            raise InvalidRequest(f"the key {name!r} stands twice; expected each key once")
        keys[name] = value
    return match[1], keys.pop(MARKER, None), keys


def _key(line: str) -> tuple[str, Any]:
    match = KEY.fullmatch(line)
    if match is None:
        raise InvalidRequest(f"the line {line[:60]!r} after {RULE!r} is no 'key: value'")
    name, value = match.groups()
    if name == MARKER:
        return name, value.strip('" ')
    try:
        return name, jsontext.loads(value)
    except ValueError as error:
        raise InvalidRequest(f"the value of {name!r} is no JSON: {error}; expected JSON in one line") from None


def _question(form: str, keys: dict[str, Any]) -> Any:
    try:
        return FORMS[form].model_validate(keys)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InvalidRequest(f"the form {form}: {faults}; its keys are {', '.join(FORMS[form].model_fields)}") from None
