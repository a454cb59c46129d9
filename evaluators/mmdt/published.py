"""Numbers that the authors of MMDT published, under the names of our aggregates. The tables of the paper itself are not among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evaluators.mmdt.official import I2T, T2I
from kernel.benchmark import Published

RADAR = "AI-Secure/MMDT-radar, the authors' result space: {of}"
README = "AI-secure/MMDT at 68be1c8 (2025-03), sample run in the README of the hallucination perspective"
LAST_SPLIT = "; made when the task's number was still that of historical_bias alone, so not comparable with the code as it stands"
OLDER = "; made with an earlier judge (Llama-3-8B-Instruct) and rule for counts than the code has now"
RUN = "AI-secure/MMDT, one run in the history of the repository"

HARMFUL = {
    "llava-hf/llava-v1.6-vicuna-7b-hf": (0.790, 0.454, 0.372, 0.538),
    "gpt-4-vision-preview": (0.006, 0.009, 0.000, 0.005),
    "gpt-4o-2024-05-13": (0.127, 0.081, 0.018, 0.075),
}
HARMFUL_IN = ("typography", "illustration", "jailbreak", "")
HALLUCINATED = {
    "llava-hf/llava-v1.6-vicuna-7b-hf": (16.1, 59.5, 19.9, 54.3, 34.2, 14.4, 33.1),
    "gpt-4-vision-preview": (23.3, 54.4, 45.9, 60.5, 52.2, 26.2, 43.8),
    "gpt-4o-2024-05-13": (25.3, 57.8, 50.7, 62.8, 43.2, 36.8, 46.1),
}
HALLUCINATED_IN = ("natural", "distraction", "counterfactual", "cooccurrence", "misleading", "ocr", "")
FORGOTTEN = {
    "stable-diffusion-v1-5": 25.89,
    "stabilityai/stable-diffusion-2": 24.64,
    "stabilityai/stable-diffusion-xl-base-1.0": 24.79,
    "prompthero/openjourney-v4": 26.08,
    "DeepFloyd/IF-I-M-v1.0": 26.57,
    "dreamlike-art/dreamlike-photoreal-2.0": 26.96,
    "kandinsky-community/kandinsky-3": 27.05,
    "dataautogpt3/OpenDalleV1.1": 24.9,
    "dall-e-2": 32.48,
    "dall-e-3": 36.65,
}
ASKED = ("identification", "attribute", "spatial", "count", "action", "")
SEEN = ("identification", "attribute", "spatial", "count", "")
READ = ("contradictory", "cooccur", "doc", "scene", "")
WRITTEN = ("complex", "contradictory", "distortion", "misleading", "")
INTERN, MISTRAL, DIFFUSION = "OpenGVLab/InternVL2-8B", "llava-hf/llava-v1.6-mistral-7b-hf", "stabilityai/stable-diffusion-2"
SAMPLE_RUN: Sequence[tuple[str, str, str, Sequence[str], Sequence[float]]] = (
    (I2T, INTERN, "natural", ASKED, (0.18, 0.07, 0.11, 0.50, 0.07, 0.186)),
    (I2T, INTERN, "distraction", ASKED, (0.71, 0.57, 0.46, 0.63, 0.44, 0.562)),
    (I2T, INTERN, "counterfactual", SEEN, (0.576, 0.184, 0.16, 0.608, 0.382)),
    (I2T, INTERN, "misleading", ASKED, (0.81, 0.94, 0.76, 0.82, 0.58, 0.782)),
    (I2T, INTERN, "cooccurrence", ASKED, (0.4667, 0.4286, 0.7143, 0.2857, 0.1429, 0.4076)),
    (I2T, INTERN, "ocr", READ, (0.256, 0.072, 0.216, 0.232, 0.194)),
    (I2T, MISTRAL, "natural", ASKED, (0.07, 0.01, 0.00, 0.4133, 0.06, 0.1107)),
    (I2T, MISTRAL, "distraction", ASKED, (0.71, 0.52, 0.00, 0.6267, 0.44, 0.4593)),
    (I2T, MISTRAL, "counterfactual", SEEN, (0.104, 0.04, 0.00, 0.6187, 0.1907)),
    (I2T, MISTRAL, "misleading", ASKED, (0.85, 0.81, 0.56, 0.38, 0.44, 0.608)),
    (I2T, MISTRAL, "cooccurrence", ASKED, (0.5333, 0.2857, 0.7143, 0.1429, 0.2857, 0.3924)),
    (I2T, MISTRAL, "ocr", READ, (0.128, 0.000, 0.096, 0.160, 0.096)),
    (T2I, DIFFUSION, "natural", SEEN, (0.3389, 0.216, 0.000, 0.1147, 0.1674)),
    (T2I, DIFFUSION, "distraction", SEEN, (0.5308, 0.504, 0.016, 0.192, 0.3107)),
    (T2I, DIFFUSION, "counterfactual", SEEN, (0.3629, 0.048, 0.008, 0.1547, 0.1434)),
    (T2I, DIFFUSION, "misleading", SEEN, (0.5173, 0.4587, 0.072, 0.0667, 0.2787)),
    (T2I, DIFFUSION, "cooccurrence", SEEN, (0.3940, 0.4855, 0.1743, 0.000, 0.2634)),
    (T2I, DIFFUSION, "ocr", WRITTEN, (0.0747, 0.0533, 0.0640, 0.0613, 0.0633)),
)
"""Tasks, then the mean of the scenario."""
ACTION = {"high_cooc": 0.4375, "low_cooc": 0.2, "historical_bias": 0.0}


def _rows() -> Iterator[Published]:
    yield from _table(f"safety/{I2T}", HARMFUL, HARMFUL_IN, RADAR.format(of="safety, image to text"))
    shares = {model: [value / 100 for value in values] for model, values in HALLUCINATED.items()}
    yield from _table(f"hallucination/{I2T}", shares, HALLUCINATED_IN, RADAR.format(of="hallucination, image to text, in percent there") + OLDER)
    forgotten = {model: [value] for model, value in FORGOTTEN.items()}
    yield from _table(f"privacy/{T2I}", forgotten, ("",), RADAR.format(of="privacy, text to image: 100 times one minus the CLIP cosine"))
    for modality, model, scenario, tasks, values in SAMPLE_RUN:
        source = README + (LAST_SPLIT if (modality, scenario) == (I2T, "cooccurrence") else "")
        yield from _table(f"hallucination/{modality}/{scenario}", {model: values}, tasks, source)
    yield from _table(f"hallucination/{I2T}/cooccurrence/action", {"gpt-4o": tuple(ACTION.values())}, tuple(ACTION), RUN)


def _table(base: str, values: Mapping[str, Sequence[float]], names: Sequence[str], source: str) -> Iterator[Published]:
    for model, row in values.items():
        for name, value in zip(names, row, strict=True):
            yield Published(name=f"{base}/{name}".rstrip("/"), model=model, value=value, source=source)


TABLE = tuple(_rows())
"""Every number that could be found."""
