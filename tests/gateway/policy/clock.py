"""A clock for tests: time passes only in sleep."""

from kernel.contract import Deadline


class Clock:
    """Begins at zero; `slept` has every wait."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds

    def deadline(self, seconds):
        return Deadline.after(seconds, self)
