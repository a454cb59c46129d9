"""Runs any `Model` inside Triton's Python backend, many calls at once.

    from gateway.host import hosted
    from my_package import MyModel

    TritonPythonModel = hosted(MyModel)

is a whole `model.py`. `execute` hands every request to an event loop on a thread and returns; the answer goes out through the
request's response sender. The parameters of `config.pbtxt`, but those in capitals and the gateway's own, are arguments of the class;
a value that is JSON comes as what it says. The model must not block the loop: everything waits for it then.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from gateway import jsontext, status, wire
from gateway.signature import OUTPUTS, Signature
from kernel.contract import MESSAGE_LIMIT, Deadline, Kind, Model
from kernel.errors import Cancelled, DeadlineExceeded, InvalidSpec, ModelError, ModelFault, TooLarge

LONGEST_SECONDS = 600.0
"""For a request that says no time of its own."""
WATCH_SECONDS = 0.4
GRACE_SECONDS = 0.5
CLOSING_SECONDS = 10.0

COLLECTING = (50_000, 50, 50)
"""What was loaded is left out of Python's garbage collection, which else looks through all of it again and again while hundreds of calls
are in flight: an eighth of the processor that a vendor's proxy takes."""

OURS = ("kind", "classes", "canary", "longest_seconds", "loading_seconds")
"""Parameters of the configuration that are the gateway's."""

log = structlog.get_logger("assay.host")


def hosted(make: Callable[..., Any]) -> type[HostedModel]:
    """The class that Triton looks for, around what `make` makes: a class of models, or a function that returns one."""
    return type("TritonPythonModel", (HostedModel,), {"make": staticmethod(make)})


class HostedModel:
    """What Triton calls."""

    make: Callable[..., Any]

    def initialize(self, args: Mapping[str, str]) -> None:
        """Make the model, in the loop that it will run in."""
        import triton_python_backend_utils  # noqa: PLC0415 - exists only inside Triton's stub

        _log_to_the_server()
        self.backend: Any = triton_python_backend_utils
        config = json.loads(args["model_config"])
        parameters = {name: value["string_value"] for name, value in config.get("parameters", {}).items()}
        self.signature = signature_of(config, parameters)
        self.loop = asyncio.new_event_loop()
        self.calls: dict[asyncio.Task[None], Any] = {}
        threading.Thread(target=self.loop.run_forever, name="assay-host", daemon=True).start()
        self.model: Model = self._wait(self._made(arguments(parameters)))
        self._wait(self._start_watching())
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTING)

    def execute(self, requests: list[Any]) -> None:
        """Take the requests over to the loop."""
        for request in requests:
            sender = request.get_response_sender()
            arrived = time.monotonic()
            tensors = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
            told = (request.parameters(), request.timeout(), request.request_id())
            self.loop.call_soon_threadsafe(self._begin, sender, tensors, told, arrived)

    def finalize(self) -> None:
        """End the calls that run, close the model, stop the loop."""
        try:
            self._wait(self._end(), CLOSING_SECONDS)
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)

    def _wait(self, coroutine: Any, seconds: float | None = None) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    async def _made(self, given: Mapping[str, Any]) -> Any:
        made = type(self).make(**given)
        return await made if inspect.isawaitable(made) else made

    async def _start_watching(self) -> None:
        self.watching = asyncio.create_task(self._watch())

    def _begin(self, sender: Any, tensors: Mapping[str, Any], told: tuple[str, int, str], arrived: float) -> None:
        task = self.loop.create_task(self._answer(sender, tensors, told, arrived))
        self.calls[task] = sender
        task.add_done_callback(self.calls.pop)

    async def _answer(self, sender: Any, tensors: Mapping[str, Any], told: tuple[str, int, str], arrived: float) -> None:
        """Wire in, model, wire out; and whatever happens, exactly one answer."""
        parameters, timeout, identifier = told
        try:
            deadline = Deadline(arrived + (timeout / 1e6 if timeout else LONGEST_SECONDS))
            request = wire.read(tensors, json.loads(parameters or "{}"), self.signature)
            async with asyncio.timeout(deadline.remaining() + GRACE_SECONDS):
                reply = await self.model.infer(request, deadline=deadline)
            wire.check_counts(reply, request)
            answer = self._response(wire.write(reply, self.signature))
        except ModelError as error:
            answer = self._refusal(error)
        except TimeoutError:
            answer = self._refusal(DeadlineExceeded("no answer in time; the model went past its deadline"))
        except asyncio.CancelledError:
            answer = self._refusal(Cancelled("the caller gave up"))
        except Exception as error:
            log.exception("model_raised", request=identifier, model=self.signature.model)
            what = f"the model raised {type(error).__name__}; the trace is in the log under request {identifier or 'without an id'}"
            answer = self._refusal(ModelFault(what))
        try:
            sender.send(answer, flags=self.backend.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        except Exception:
            log.exception("answer_not_sent", request=identifier, model=self.signature.model)

    def _response(self, arrays: Mapping[str, Any]) -> Any:
        size = sum(len(value) for array in arrays.values() if array.dtype == object for value in array.flat)
        if size > MESSAGE_LIMIT:
            raise TooLarge(f"the answer has {size:,} bytes, at most {MESSAGE_LIMIT:,} are sent")
        return self.backend.InferenceResponse([self.backend.Tensor(name, array) for name, array in arrays.items()])

    def _refusal(self, error: ModelError) -> Any:
        code = getattr(self.backend.TritonError, status.triton_code(error))
        return self.backend.InferenceResponse(error=self.backend.TritonError(status.text_of(error), code))

    async def _watch(self) -> None:
        """Cancel the calls whose caller has gone. Asking takes a tenth of a millisecond, so it is done in small helpings."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for task, sender in list(self.calls.items()):
                if not task.done() and sender.is_cancelled():
                    task.cancel()
                await asyncio.sleep(0)

    async def _end(self) -> None:
        self.watching.cancel()
        for task in self.calls:
            task.cancel()
        await asyncio.gather(*self.calls, return_exceptions=True)
        await self.model.aclose()


def _log_to_the_server() -> None:
    """This process is a program of its own: its events go to the server's log, a line of ASCII each."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def signature_of(config: Mapping[str, Any], parameters: Mapping[str, str]) -> Signature:
    """The signature in a model's configuration. Raises `InvalidSpec`, with every fault."""
    name = str(config["name"])
    faults = []
    if parameters.get("kind") not in list(Kind):
        raise InvalidSpec(name, [f"parameters.kind is {parameters.get('kind')!r}; expected one of {', '.join(Kind)}"])
    kind = Kind(parameters["kind"])
    outputs = frozenset(output["name"] for output in config["output"])
    faults += [f"output {tensor.name} is missing" for tensor in OUTPUTS[kind] if tensor.name not in outputs]
    if config.get("max_batch_size"):
        faults.append("max_batch_size is not 0; calls run beside each other here, they are not batched")
    if config.get("model_transaction_policy", {}).get("decoupled"):
        faults.append("the model is decoupled; one that is hosted answers once")
    if faults:
        raise InvalidSpec(name, faults)
    inputs = frozenset(tensor["name"] for tensor in config["input"])
    return Signature(model=name, kind=kind, inputs=inputs, outputs=outputs)


def arguments(parameters: Mapping[str, str]) -> dict[str, Any]:
    """What the model's class is called with."""
    return {name: _plain(value) for name, value in parameters.items() if name not in OURS and not name.isupper()}


def _plain(value: str) -> Any:
    try:
        return jsontext.loads(value)
    except ValueError:
        return value
