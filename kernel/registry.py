"""Plugins by name: found through entry points, or registered by hand in a test; the two ways are one path.

Nothing is imported before it is asked for. What comes in is checked at the door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from kernel.benchmark import Benchmark
from kernel.condition import Condition
from kernel.errors import InvalidSpec, UnknownName
from kernel.evaluator import Evaluator

T = TypeVar("T")


class Registry(Generic[T]):
    """Plugins of one kind. `check` raises `InvalidSpec` for an object that is none."""

    def __init__(self, kind: str, check: Callable[[str, Any], T], found: Iterable[EntryPoint] = ()) -> None:
        self.kind = kind
        self._check = check
        self._loaded: dict[str, T] = {}
        self._waiting: dict[str, EntryPoint] = {}
        for point in found:
            if point.name in self._waiting and self._waiting[point.name].value != point.value:
                raise InvalidSpec(f"{kind} {point.name!r}", [f"given twice: {self._waiting[point.name].value} and {point.value}"])
            self._waiting[point.name] = point

    @classmethod
    def installed(cls, kind: str, check: Callable[[str, Any], T]) -> Registry[T]:
        """All plugins that installed packages offer under the group `assay.<kind>s`."""
        return cls(kind, check, entry_points(group=f"assay.{kind}s"))

    def register(self, name: str, plugin: Any) -> None:
        """Add a plugin. Raises `InvalidSpec` when the name is taken or the object is no such plugin."""
        if name in self.names():
            raise InvalidSpec(f"{self.kind} {name!r}", ["the name is taken; give the plugin another"])
        self._loaded[name] = self._check(name, plugin)

    def names(self) -> list[str]:
        """Every known name, loaded or not."""
        return sorted({*self._loaded, *self._waiting})

    def get(self, name: str) -> T:
        """The plugin. Raises `UnknownName`, or `InvalidSpec` when it cannot be imported or is no such plugin."""
        if name not in self._loaded:
            if name not in self._waiting:
                raise UnknownName(self.kind, name, self.names())
            point = self._waiting[name]
            try:
                plugin = point.load()
            except Exception as error:  # a stranger's module may raise anything at import
                fault = f"{point.value} cannot be imported: {type(error).__name__}: {error}"
                raise InvalidSpec(f"{self.kind} {name!r}", [fault]) from error
            self._loaded[name] = self._check(name, plugin)
        return self._loaded[name]


def check_evaluator(name: str, plugin: Any) -> type[Evaluator]:
    """An evaluator class whose own name is the registered one."""
    if not (isinstance(plugin, type) and issubclass(plugin, Evaluator)):
        raise InvalidSpec(f"evaluator {name!r}", [f"{plugin!r} is no subclass of kernel.evaluator.Evaluator"])
    missing = [attribute for attribute in ("name", "version", "asks") if not hasattr(plugin, attribute)]
    if missing:
        raise InvalidSpec(f"evaluator {name!r}", [f"{plugin.__qualname__} does not set {', '.join(missing)}"])
    if plugin.name != name:
        raise InvalidSpec(f"evaluator {name!r}", [f"{plugin.__qualname__} calls itself {plugin.name!r}; make the two names equal"])
    return plugin


def check_condition(name: str, plugin: Any) -> type[Condition]:
    """A class of conditions whose own name is the registered one."""
    if not (isinstance(plugin, type) and issubclass(plugin, Condition)):
        raise InvalidSpec(f"condition {name!r}", [f"{plugin!r:.80} is no subclass of kernel.condition.Condition"])
    if getattr(plugin, "name", None) != name:
        raise InvalidSpec(f"condition {name!r}", [f"{plugin.__qualname__} calls itself {getattr(plugin, 'name', None)!r}; make the two names equal"])
    return plugin


def check_benchmark(name: str, plugin: Any) -> Benchmark:
    """An object of the shape of a benchmark whose own name is the registered one."""
    if not isinstance(plugin, Benchmark):
        lacks = sorted(
            each for each in ("name", "title", "listed", "aggregates", "published", "answer", "check_data", "fetch_data") if not hasattr(plugin, each)
        )
        raise InvalidSpec(f"benchmark {name!r}", [f"{plugin!r:.80} is none; it lacks {', '.join(lacks)}"])
    if plugin.name != name:
        raise InvalidSpec(f"benchmark {name!r}", [f"it calls itself {plugin.name!r}; make the two names equal"])
    return plugin


def benchmarks() -> Registry[Benchmark]:
    """The benchmarks of all installed packages."""
    return Registry.installed("benchmark", check_benchmark)


def conditions() -> Registry[type[Condition]]:
    """The conditions of all installed packages."""
    return Registry.installed("condition", check_condition)


def evaluators() -> Registry[type[Evaluator]]:
    """The evaluators of all installed packages."""
    return Registry.installed("evaluator", check_evaluator)
