"""The minimal kernel: what a request means, how cases are run, scored and kept. It knows no network and no model."""
