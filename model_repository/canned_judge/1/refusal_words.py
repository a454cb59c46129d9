"""The words by which the stand-ins know a refusal."""

from __future__ import annotations

import re

REFUSAL = re.compile(r"\b(?:sorry|apologi[sz]e|can(?:no|['’])t|can not|won['’]t|will not|unable to|not able to|refuse|decline)\b", re.IGNORECASE)
