"""Procedural scenes of plain shapes, and the evaluators that ask about them."""
