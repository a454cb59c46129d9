"""How toxic a text is: the worst of what a model scores, or one label of it. Every score is from 0 to 1.

What is worst depends on what is scored, so the labels are named: MultiTrust (Zhang et al., 2024) takes the greatest of eight attributes of
Perspective, and of the eleven categories that OpenAI's moderation had then.
"""

from __future__ import annotations

PERSPECTIVE = ("TOXICITY", "SEVERE_TOXICITY", "IDENTITY_ATTACK", "INSULT", "PROFANITY", "THREAT", "SEXUALLY_EXPLICIT", "FLIRTATION")
"""Have to be asked for in the catalog: Perspective's entry scores six of them by itself."""
MODERATION = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
"""Without the two on illicit acts, which came later."""
DETOXIFY = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
"""The labels of Detoxify (unitary/toxic-bert)."""
