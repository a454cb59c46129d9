"""Image conditions: the same text with no picture, its own, or one that has nothing to do with it. Each is found under `assay.conditions`."""
