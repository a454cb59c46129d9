"""Serves shapes_vlm in Triton's Python backend: all requests of one call are answered as one batch."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from PIL import Image, UnidentifiedImageError
from shapes_answers import MOST_NEW_TOKENS, MOST_SAMPLES, Answer, Answerer, Question

MOST_PIXELS = 40_000_000
MOST_BYTES = 32 * 1024 * 1024


class TritonPythonModel:
    """What Triton calls."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the network from this folder."""
        device = f"cuda:{args['model_instance_device_id']}" if args["model_instance_kind"] == "GPU" else "cpu"
        self.answerer = Answerer(Path(__file__).parent, device)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer everything that can be answered; a request that cannot gets its own error."""
        asked = [self._read(request) for request in requests]
        together = [question for questions in asked if isinstance(questions, list) for question in questions]
        answers = iter(self.answerer.answer(together) if together else [])
        return [
            _refuse(questions) if isinstance(questions, ValueError) else _reply([next(answers) for _ in questions], _not_honoured(request))
            for request, questions in zip(requests, asked, strict=True)
        ]

    def _read(self, request: Any) -> list[Question] | ValueError:
        try:
            questions = _questions(request)
            for question in questions:
                self.answerer.encode(question.text)
        except ValueError as error:
            return error
        return questions


def _questions(request: Any) -> list[Question]:
    """Read one request, which may hold several questions, one per row."""
    texts = [_text(row[0], "text_input") for row in _rows(request, "text_input")]
    pictures = _rows(request, "image") or [[] for _ in texts]
    systems = _rows(request, "system") or [[] for _ in texts]
    histories = _rows(request, "messages") or [[] for _ in texts]
    samplings = _rows(request, "sampling_parameters") or [[] for _ in texts]
    questions = [
        Question(
            text="\n".join([*(_text(each, "system") for each in system), *_history(history), text]),
            picture=_picture(picture),
            **_sampling(sampling),
        )
        for text, picture, system, history, sampling in zip(texts, pictures, systems, histories, samplings, strict=True)
    ]
    if len({question.samples for question in questions}) > 1:
        message = "the rows of one request ask for different numbers of samples (n); ask for the same in all"
        raise ValueError(message)
    return questions


def _rows(request: Any, name: str) -> list[list[bytes]]:
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return [] if tensor is None else [list(row) for row in tensor.as_numpy()]


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        message = f"{name} is not UTF-8: {error}"
        raise ValueError(message) from error


def _history(rows: list[bytes]) -> list[str]:
    return [str(turn.get("content", "")) for row in rows if row for turn in _json(row, "messages", list)]


def _json(data: bytes, name: str, wanted: type) -> Any:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        message = f"{name} is not JSON: {error}"
        raise ValueError(message) from error
    if not isinstance(value, wanted) or (wanted is list and not all(isinstance(each, dict) for each in value)):
        shape = "a list of objects" if wanted is list else "an object"
        message = f"{name} is {type(value).__name__}; expected {shape}"
        raise ValueError(message)
    return value


def _picture(rows: list[bytes]) -> Image.Image | None:
    if len(rows) > 1:
        message = f"{len(rows)} pictures were sent; this model looks at one"
        raise ValueError(message)
    if not rows:
        return None
    if len(rows[0]) > MOST_BYTES:
        message = f"the picture has {len(rows[0])} bytes, the limit is {MOST_BYTES}"
        raise ValueError(message)
    try:
        picture = Image.open(io.BytesIO(rows[0]), formats=("PNG", "JPEG", "WEBP"))
        if picture.width * picture.height <= MOST_PIXELS:
            picture.load()
            return picture
    except UnidentifiedImageError as error:
        message = f"the picture's {len(rows[0])} bytes are no PNG, JPEG or WebP file"
        raise ValueError(message) from error
    except Exception as error:
        # Decoders raise whatever they like: SyntaxError, struct.error, zlib.error and more.
        message = f"the picture cannot be read ({error}); expected a whole PNG, JPEG or WebP file"
        raise ValueError(message) from error
    message = f"the picture has {picture.width} x {picture.height} pixels, the limit is {MOST_PIXELS} in all"
    raise ValueError(message)


LIMITS: dict[str, tuple[str, type | tuple[type, ...], float, float]] = {
    "n": ("samples", int, 1, MOST_SAMPLES),
    "max_tokens": ("max_tokens", int, 1, float("inf")),
    "temperature": ("temperature", (int, float), 0, 100),
    "top_p": ("top_p", (int, float), 1e-6, 1),
    "seed": ("seed", int, -(2**63), 2**64),
}


def _sampling(rows: list[bytes]) -> dict[str, Any]:
    given = _json(rows[0], "sampling_parameters", dict) if rows and rows[0] else {}
    settings: dict[str, Any] = {}
    for name, (ours, wanted, least, most) in LIMITS.items():
        value = given.get(name)
        if value is None:
            continue
        if not isinstance(value, wanted) or isinstance(value, bool) or not least <= value <= most:
            message = f"sampling parameter {name} is {value!r:.50}; expected a number from {least} to {most}"
            raise ValueError(message)
        settings[ours] = value
    if "max_tokens" in settings:
        settings["max_tokens"] = min(settings["max_tokens"], MOST_NEW_TOKENS)
    stop = given.get("stop") or ()
    return settings | {"stop": (stop,) if isinstance(stop, str) else tuple(map(str, stop))}


def _not_honoured(request: Any) -> list[str]:
    given = [name for row in _rows(request, "sampling_parameters") if row[0] for name in json.loads(row[0])]
    return sorted(set(given) - set(LIMITS) - {"stop"})


def _reply(answers: list[Answer], not_honoured: list[str]) -> Any:
    more = {"not_honoured": not_honoured} if not_honoured else {}
    report = json.dumps({"model": "shapes_vlm", **more}).encode()
    return pb_utils.InferenceResponse(
        [
            _words("text_output", [each.texts for each in answers]),
            _words("finish_reason", [each.finish for each in answers]),
            _numbers("num_input_tokens", [each.input_tokens for each in answers]),
            _numbers("num_output_tokens", [each.output_tokens for each in answers]),
            pb_utils.Tensor("report", np.array([[report] for _ in answers], dtype=np.object_)),
        ]
    )


def _words(name: str, rows: list[tuple[str, ...]]) -> Any:
    return pb_utils.Tensor(name, np.array([[each.encode() for each in row] for row in rows], dtype=np.object_))


def _numbers(name: str, values: list[int]) -> Any:
    return pb_utils.Tensor(name, np.array([[value] for value in values], dtype=np.uint32))


def _refuse(error: ValueError) -> Any:
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error), pb_utils.TritonError.INVALID_ARG))
