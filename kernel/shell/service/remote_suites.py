"""Suites as strangers ask for them: read strictly, and held to what a caller from elsewhere may name.

He may name what the server has: suites, evaluators, models, conditions, data that its operator gave a name. No file, no environment variable and no
address gets into a suite from there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from types import MappingProxyType
from typing import Any

import structlog

from assay.v1 import evaluation_pb2
from kernel.documents import validate
from kernel.errors import InvalidSpec, UnknownName
from kernel.evaluator import Evaluator
from kernel.registry import Registry
from kernel.shell.running import changed, installed_suite, suite_names
from kernel.shell.service.items import plain_struct
from kernel.shell.service.scorers import SAMPLE, Described
from kernel.shell.service.statuses import BadFields, Violation, violations_of
from kernel.spec import SHARED, SuiteSpec

MOST_AT_ONCE = 4096
LONGEST_SECONDS = 86_400.0
DATA = "data"
_PLACE = re.compile(r"^\s*(?:[/~$\\]|\.{1,2}(?:[/\\]|$)|[A-Za-z]:[/\\])|\$\{|://|[/\\]\.\.(?:[/\\]|$)|\x00")
"""Text that a program may take for a file, a variable of the environment or an address."""

log = structlog.get_logger(__name__)


class Suites:
    """What can be asked for. described: evaluators with the options that callers may set. data: folders by the names that the operator gave them."""

    def __init__(
        self, evaluators: Registry[type[Evaluator]], described: Callable[[], Sequence[Described]], data: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._evaluators = evaluators
        self.described = described
        self._data = data

    @cached_property
    def installed(self) -> Mapping[str, SuiteSpec]:
        """The suites that come with the server and its plugins, by name. Blocking."""
        return {name: suite for name in suite_names() if (suite := _loaded(name))}

    def asked(self, request: evaluation_pb2.CreateRunRequest) -> SuiteSpec:
        """The suite of a request, with what is to be other in it. Blocking. Raises `BadFields` with every fault."""
        match request.WhichOneof("source"):
            case "suite":
                suite = self._named(request.suite)
            case "inline_suite":
                suite = self._inline(plain_struct(request.inline_suite))
            case _:
                raise BadFields([Violation("source", "is missing; expected suite or inline_suite")])
        return self._changed(suite, request.overrides)

    def _named(self, name: str) -> SuiteSpec:
        if name not in self.installed:
            raise BadFields([Violation("suite", str(UnknownName("suite", name[:80], self.installed)))])
        return self.installed[name]

    def _inline(self, told: Mapping[str, Any]) -> SuiteSpec:
        try:
            suite = validate(SuiteSpec, told, "inline_suite")
        except InvalidSpec as error:
            raise BadFields(violations_of(error, "inline_suite")) from None
        if faults := list(self._foreign(suite)):
            raise BadFields(faults)
        sample = suite.sample and suite.sample.model_copy(update={DATA: self._folder(suite.sample.data)})
        return suite.model_copy(update={DATA: self._folder(suite.data), "sample": sample})

    def _changed(self, suite: SuiteSpec, overrides: evaluation_pb2.RunOverrides) -> SuiteSpec:
        faults = list(_out_of_range(overrides))
        options = plain_struct(overrides.options)
        faults += self._foreign_options(suite, options, "overrides.options", [task.evaluator for task in suite.tasks])
        if overrides.sample and suite.sample is None:
            faults.append(Violation("overrides.sample", f"is set, and {suite.suite} has no sample; leave it out"))
        if faults:
            raise BadFields(faults)
        try:
            suite = changed(suite, overrides.models, overrides.at_once or None, sample=overrides.sample)
            more: dict[str, Any] = {"options": {**suite.options, **options}, "roles": {**suite.roles, **overrides.roles}}
            more |= {"conditions": list(overrides.conditions)} if overrides.conditions else {}
            more |= {"k": overrides.draws} if overrides.draws else {}
            more |= {"deadline": _seconds(overrides)} if overrides.HasField("case_deadline") else {}
            return validate(SuiteSpec, {**suite.model_dump(), **more}, "overrides")
        except InvalidSpec as error:
            raise BadFields(violations_of(error, "overrides")) from None

    def _foreign(self, suite: SuiteSpec) -> Iterator[Violation]:
        """What a suite from elsewhere may not name."""
        where = "inline_suite"
        if told := self._wrong_data(suite.data):
            yield Violation(f"{where}.data", told)
        if suite.sample is not None and (told := self._wrong_data(suite.sample.data)):
            yield Violation(f"{where}.sample.data", told)
        if suite.pool:
            yield Violation(f"{where}.pool", "names a folder of the server; leave it out, and the pictures that are made by rule are taken")
        names = [task.evaluator for task in suite.tasks]
        yield from self._foreign_options(suite, suite.options, f"{where}.options", names)
        for position, task in enumerate(suite.tasks):
            at = f"{where}.tasks[{position}]"
            if task.evaluator not in self._evaluators.names():
                yield Violation(f"{at}.evaluator", str(UnknownName("evaluator", task.evaluator, self._evaluators.names())))
                continue
            yield from self._foreign_options(suite, task.options, f"{at}.options", [task.evaluator])
            for name, values in task.each.items():
                for value in values:
                    yield from self._foreign_options(suite, {name: value}, f"{at}.each", [task.evaluator])

    def _foreign_options(self, suite: SuiteSpec, options: Mapping[str, Any], where: str, evaluators: Iterable[str]) -> Iterator[Violation]:
        """Options that none of the evaluators has, that the server alone sets, or whose values name a place."""
        if not options:
            return
        told = {each.evaluator.name: each for each in self.described()}
        asked = [told[name] for name in dict.fromkeys(evaluators) if name in told]
        free = {name for each in asked for name in each.options["properties"]}
        had = {field.name for each in asked for field in fields(each.evaluator)}
        for name, value in options.items():
            at = f"{where}.{name[:80]}"
            if any(name in _own(each) for each in asked):
                yield Violation(at, "names a file of the server; leave it out")
            elif name == DATA and DATA in had:
                yield Violation(at, f"is the suite's; set {DATA} beside {suite.suite}'s tasks, not among the options")
            elif name not in free - set(SHARED) and (name not in free or where == "overrides.options"):
                yield Violation(at, str(UnknownName("option", name[:80], free - set(SHARED))))
            elif any(map(_PLACE.search, _texts(value))):
                yield Violation(at, "has a text that may be taken for a file, a variable or an address; expected none of these")

    def _wrong_data(self, data: str) -> str:
        if data in {"", SAMPLE, *self._data}:
            return ""
        known = ", ".join(repr(name) for name in (SAMPLE, *sorted(self._data)))
        return f"is no data that the server has a name for; expected nothing, or one of {known}: a caller may name no files"

    def _folder(self, data: str) -> str:
        return self._data.get(data, data)


def _own(each: Described) -> set[str]:
    """Options that only the server sets."""
    return {field.name for field in fields(each.evaluator)} - set(each.options["properties"]) - {"target"}


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value, keys too."""
    match value:
        case str():
            yield value
        case Mapping():
            for name, each in value.items():
                yield name
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


def _out_of_range(overrides: evaluation_pb2.RunOverrides) -> Iterator[Violation]:
    if not 0 <= overrides.at_once <= MOST_AT_ONCE:
        yield Violation("overrides.at_once", f"is {overrides.at_once}; expected 1 to {MOST_AT_ONCE}, or 0 for the suite's own")
    if overrides.draws < 0:
        yield Violation("overrides.draws", f"is {overrides.draws}; expected at least 1, or 0 for the suite's own")
    if overrides.HasField("budget") and not (math.isfinite(overrides.budget) and overrides.budget >= 0):
        yield Violation("overrides.budget", f"is {overrides.budget:g}; expected 0 or more, in the currency of the catalog's prices")
    if overrides.HasField("case_deadline") and not 0 < _seconds(overrides) <= LONGEST_SECONDS:
        yield Violation("overrides.case_deadline", f"is {_seconds(overrides):g} s; expected more than 0 and at most {LONGEST_SECONDS:,.0f} s")


def _seconds(overrides: evaluation_pb2.RunOverrides) -> float:
    return overrides.case_deadline.seconds + overrides.case_deadline.nanos / 1e9


def _loaded(name: str) -> SuiteSpec | None:
    try:
        return installed_suite(name)
    except Exception as error:  # noqa: BLE001  # a stranger's package may raise anything at import
        log.warning("suite_not_loaded", suite=name, error=type(error).__name__)
        return None
