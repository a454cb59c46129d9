"""What was published of MultiTrust: sub-aspect scores and totals of forty-four models, and the numbers in the paper's own text.

Irrelevant pictures were drawn three times for each text for the paper's models and once for the later ones, so that columns are not strictly
comparable between the two; all were made with the older list of refusals (`paper`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evaluators.multitrust.ranking import SUB_ASPECTS, placed
from kernel.benchmark import Published

RANKS = "thu-ml/MMTrustEval, scripts/rank.txt of 2025-03"
SITE = "MultiTrust's project site, table of scores, rounded to two places"
PAPER = "Zhang et al., MultiTrust, NeurIPS 2024, {where}"
RESA = "Zhang et al., MultiTrust-X, arXiv 2508.15370: fine-tuned by RESA, with a robust vision tower"

GENERAL = (
    "internlm-xcomposer2-vl-7b", "gemini-pro-vision", "gpt-4-1106-vision-preview", "internlm-xcomposer-7b",
    "llava-v1.6-13b", "ShareGPT4V-13B", "InternVL-Chat-ViT-6B-Vicuna-13B", "LVIS-Instruct4V",
    "claude-3-sonnet-20240229", "llava-v1.5-13b", "mplug-owl2-llama2-7b", "qwen-vl-plus",
    "llava-v1.5-7b", "qwen-vl-chat", "cogvlm-chat-hf", "llava-rlhf-13b",
    "otter-mpt-7b-chat", "instructblip-flan-t5-xxl", "mplug-owl-llama-7b", "minigpt-4-vicuna-13b-v0",
    "minigpt-4-llama2-7b",
)  # fmt: skip
"""The paper's models by general capability (MMBench and MME), as read off its scatter plot, the best first."""

SCORES: Mapping[str, Sequence[float]] = {
    "gpt-4-1106-vision-preview": (78.28, 75.06, 76.63, 80.49, 92.54, 80.93, 55.89, 79.37, 83.14, 74.45, 84.29),
    "claude-3-5-sonnet-20240620": (76.7, 72.48, 67.08, 81.53, 94.0, 68.02, 58.5, 89.68, 69.07, 69.1, 97.54),
    "gpt-4o": (76.61, 78.28, 67.34, 79.51, 89.01, 81.99, 56.06, 86.87, 58.99, 76.6, 91.47),
    "claude-3-sonnet-20240229": (72.76, 66.8, 60.25, 77.19, 97.45, 72.68, 51.97, 75.51, 63.14, 63.33, 99.27),
    "phi-3.5": (66.29, 58.88, 47.19, 65.06, 89.84, 74.04, 54.38, 90.07, 64.03, 61.15, 58.22),
    "phi-3": (64.26, 58.62, 44.15, 63.92, 85.56, 73.38, 51.22, 91.99, 50.42, 65.16, 58.16),
    "glm-4v-chat": (63.9, 66.08, 52.83, 67.2, 79.43, 78.37, 70.85, 88.78, 37.78, 60.81, 36.83),
    "qwen-vl-plus": (63.51, 68.55, 59.38, 68.77, 66.23, 75.18, 36.64, 64.14, 82.95, 59.8, 53.5),
    "cambrian-13b": (63.47, 64.36, 53.99, 68.54, 72.34, 72.19, 41.83, 80.41, 66.67, 53.21, 61.14),
    "qwen2-vl-chat": (63.28, 68.74, 50.0, 64.98, 79.88, 78.97, 38.97, 83.04, 70.14, 65.12, 32.92),
    "cambrian-8b": (62.69, 62.07, 52.3, 67.44, 66.24, 70.83, 47.37, 78.67, 68.19, 54.09, 59.75),
    "internvl2-8b": (62.19, 64.18, 52.12, 62.75, 78.32, 75.39, 38.9, 89.05, 64.72, 60.39, 36.07),
    "llava-v1.6-vicuna-13b-hf": (61.92, 58.81, 50.15, 68.55, 44.34, 76.61, 56.01, 84.84, 77.5, 46.28, 56.08),
    "hunyuan-vision": (61.64, 66.03, 52.25, 67.11, 56.41, 74.07, 73.55, 82.61, 35.93, 61.75, 46.72),
    "llama3-llava-next-8b-hf": (59.82, 58.35, 49.74, 69.51, 40.5, 76.45, 56.09, 83.21, 62.5, 56.75, 45.07),
    "gemini-pro-vision": (59.6, 65.11, 67.34, 72.85, 55.76, 78.38, 50.39, 72.33, 27.66, 70.49, 35.72),
    "deepseek-vl-7b-chat": (58.93, 54.9, 39.88, 66.28, 58.0, 75.94, 58.09, 76.36, 74.17, 49.05, 36.59),
    "llava-v1.6-13b": (58.26, 55.55, 58.63, 68.37, 43.51, 76.49, 39.38, 67.89, 63.49, 53.78, 55.47),
    "llama-3-2-chat": (58.15, 63.88, 56.84, 61.25, 58.54, 76.87, 41.97, 79.19, 36.11, 57.17, 49.72),
    "mplug-owl3-7b-240728": (57.6, 55.73, 45.86, 57.33, 68.94, 64.16, 37.78, 73.04, 63.61, 67.65, 41.9),
    "internlm-xcomposer2-vl-7b": (56.8, 61.8, 52.9, 63.57, 51.19, 75.36, 38.9, 79.78, 49.09, 60.44, 34.97),
    "minigpt-4-llama2-7b": (55.69, 48.29, 50.23, 69.83, 74.49, 63.0, 35.38, 65.71, 37.52, 42.46, 69.98),
    "llava-v1.6-mistral-7b-hf": (54.73, 58.43, 48.79, 68.81, 32.81, 73.24, 53.97, 80.8, 46.94, 36.51, 47.03),
    "deepseek-vl2": (54.56,),
    "llava-v1.6-vicuna-7b-hf": (54.3, 50.5, 39.83, 69.47, 37.1, 66.03, 55.38, 68.41, 57.22, 58.17, 40.87),
    "molmo-7b-d-0924": (54.24, 60.12, 41.63, 57.78, 33.77, 75.26, 56.72, 85.03, 32.36, 65.55, 34.14),
    "InternVL-Chat-ViT-6B-Vicuna-13B": (53.56, 58.82, 52.39, 56.39, 43.34, 71.68, 55.21, 71.14, 35.04, 57.88, 33.68),
    "llava-1.5-13b-hf": (53.39, 53.88, 50.86, 63.7, 49.77, 75.01, 30.97, 84.22, 30.56, 57.9, 37.03),
    "cogvlm2-llama3-chat-19b": (52.93, 57.64, 44.52, 57.11, 30.68, 75.72, 63.29, 84.96, 32.08, 47.12, 36.14),
    "mplug-owl2-llama2-7b": (52.74, 55.87, 50.37, 60.15, 33.41, 74.86, 36.31, 73.5, 51.8, 56.55, 34.59),
    "LVIS-Instruct4V": (52.1, 54.81, 46.76, 58.77, 49.29, 64.16, 29.06, 71.51, 35.71, 58.65, 52.32),
    "llava-rlhf-13b": (52.1, 50.12, 51.16, 59.43, 35.92, 70.47, 31.76, 69.45, 39.09, 53.88, 59.7),
    "llava-v1.5-13b": (51.66, 58.78, 53.89, 61.92, 39.54, 74.13, 30.75, 67.8, 39.48, 54.08, 36.2),
    "internlm-xcomposer-7b": (51.17, 53.63, 41.64, 45.65, 57.8, 68.17, 27.79, 71.16, 46.59, 56.16, 43.06),
    "qwen-vl-chat": (51.07, 58.96, 49.24, 59.18, 39.56, 72.09, 41.67, 64.6, 34.61, 53.6, 37.16),
    "cogvlm-chat-hf": (50.52, 55.29, 46.26, 61.5, 55.78, 74.07, 53.12, 62.05, 32.18, 40.2, 24.79),
    "ShareGPT4V-13B": (50.27, 55.81, 50.2, 58.99, 39.13, 69.31, 33.23, 70.39, 34.75, 51.8, 39.1),
    "llava-1.5-7b-hf": (48.99, 49.89, 41.19, 58.09, 30.83, 72.77, 31.6, 82.72, 49.44, 50.83, 22.59),
    "llava-v1.5-7b": (48.45, 54.06, 48.41, 58.02, 37.37, 74.12, 28.45, 70.57, 38.49, 48.27, 26.78),
    "deepseek-janus-7b": (48.12, 53.86, 39.26, 59.23, 19.46, 73.73, 61.59, 74.02, 22.64, 43.45, 34.0),
    "minigpt-4-vicuna-13b-v0": (47.18, 44.79, 45.77, 47.4, 33.99, 64.11, 39.12, 64.84, 34.17, 39.46, 58.16),
    "instructblip-flan-t5-xxl": (43.46, 46.32, 40.95, 41.46, 43.3, 74.08, 33.22, 57.79, 30.02, 58.14, 9.27),
    "otter-mpt-7b-chat": (40.82, 41.97, 34.31, 50.57, 45.59, 57.82, 24.02, 57.94, 34.53, 40.94, 20.49),
    "mplug-owl-llama-7b": (39.91, 48.28, 42.83, 49.4, 24.15, 73.13, 20.31, 50.08, 37.59, 39.1, 14.25),
}  # fmt: skip
"""Total, and the ten sub-aspects in their order; of one model there is the total alone."""
TOTALS = {model: scores[0] for model, scores in SCORES.items()}
PLACES = tuple(placed(TOTALS.items()))
"""The table of ranks."""

GEMINI, GPT, CLAUDE, NEXT = "gemini-pro-vision", "gpt-4-1106-vision-preview", "claude-3-sonnet-20240229", "llava-v1.6-13b"
XC2, INTERN, MINI, OWL = "internlm-xcomposer2-vl-7b", "InternVL-Chat-ViT-6B-Vicuna-13B", "minigpt-4-llama2-7b", "mplug-owl2-llama2-7b"
COGVLM, RLHF, XC = "cogvlm-chat-hf", "llava-rlhf-13b", "internlm-xcomposer-7b"
SEES = ("T.1/object", "T.1/scene", "T.1/grounding", "T.2/commonsense", "T.2/comparison", "T.2/temporal")
HARM = ("S.1/refusal", "S.1/perspective", "S.2/object", "S.2/risk", "S.4/refusal", "S.4/attack_success")
ATTACKS, KEEPS, PREFERS = ("R.4/attack_success", "R.5/attack_success"), ("P.6/text", "P.6/irrelevant", "P.6/relevant"), ("F.5/ideology", "F.5/lifestyle")
POINTS: Sequence[tuple[str, Sequence[str], Mapping[str, Sequence[float]]]] = (
    ("table 3", SEES, {
        GEMINI: (80.80, 70.00, 8.00, 79.29, 54.00, 52.50),
        XC2: (93.20, 88.25, 32.00, 73.57, 64.00, 47.50),
        INTERN: (88.80, 86.25, 42.00, 65.71, 55.00, 52.50),
    }),
    ("table 4; S.4 over one of its data sets, or one wording", HARM, {
        MINI: (34.00, 46, 75.08, 42.93, 79.50, 1.50),
        OWL: (0.00, 62, 91.33, 81.00, 14.50, 34.50),
    }),
    ("table 5; relevant without the picture of the one value", KEEPS, {NEXT: (51.00, 25.67, 1.50), MINI: (100.00, 66.78, 24.00)}),
    ("figure 3", ATTACKS, {GPT: (68, 27), CLAUDE: (71, 26), NEXT: (75, 55), XC2: (81, 53), COGVLM: (54, 28), INTERN: (48, 34)}),
    ("figure 4", PREFERS, {CLAUDE: (76.25, 30.00), RLHF: (18.75, 7.50), NEXT: (97.50, 27.50), XC: (36.25, 27.50), XC2: (88.75, 5.00)}),
    ("section on safety", ("S.1/refusal",), {f"mean of {GPT} and {CLAUDE}": (69.5,)}),
    ("section on fairness", ("F.4/relevant",), {"mean of the paper's 21 models": (93.79,)}),
)  # fmt: skip
"""Where, of what, and by model in percent."""
MEANS = {"P.1": 72.30, "P.2": 55.33}
"""Task scores that are told as means over the paper's models."""
_PLACE = {task: f"{sub.aspect}/{sub.code}/{task}" for sub in SUB_ASPECTS for task in sub.weights}


def place(name: str) -> str:
    """The path of an aggregate below its task: `T.1/object` is `truthfulness/T.I/T.1/object`."""
    task, _, rest = name.partition("/")
    return "/".join(filter(None, (_PLACE[task], rest)))


def _rows() -> Iterator[Published]:
    for model, (total, *parts) in SCORES.items():
        yield Published(name="total", model=model, value=total, source=RANKS)
        for sub, value in zip(SUB_ASPECTS, parts, strict=False):
            yield Published(name=f"{sub.aspect}/{sub.code}", model=model, value=value, source=SITE)
    for model, _, rank in PLACES:
        yield Published(name="total/rank", model=model, value=rank, source=RANKS)
    for where, names, held in POINTS:
        for model, values in held.items():
            for name, value in zip(names, values, strict=True):
                yield Published(name=place(name), model=model, value=value / 100, source=PAPER.format(where=where))
    for task, value in MEANS.items():
        yield Published(name=place(task), model="mean of the paper's 21 models", value=value, source=PAPER.format(where="section on privacy"))
    yield Published(name="total", model="llava-v1.5-7b, RESA", value=69.66, source=RESA)


TABLE = tuple(_rows())
