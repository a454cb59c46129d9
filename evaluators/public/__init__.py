"""Public data sets as benchmarks of their own: POPE, BBQ, XSTest, ConfAIde and GenEval. The files are the user's; none of them ships."""

from evaluators.public.benchmark import BBQ, CONFAIDE, GENEVAL, POPE, XSTEST

__all__ = ["BBQ", "CONFAIDE", "GENEVAL", "POPE", "XSTEST"]
