"""Answers imagine requests with the pipeline: pictures of all requests that come together are painted together.

A picture depends on its prompt, settings and seed only, not on the batch it is painted in: noise comes from a generator
of its own, and the networks always see `TOGETHER` pictures at once, empty places filled up, since another size of
matrix may round otherwise.
"""

from __future__ import annotations

import io
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import batched as chunks
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from shapes_pipeline import ShapesPipeline

from kernel.contract import Finish, Picture, Reply, Request
from kernel.errors import InvalidRequest, ModelError, TooLarge
