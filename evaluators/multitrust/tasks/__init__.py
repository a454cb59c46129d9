"""MultiTrust's 32 tasks as evaluators, one for each aspect: what a run asks, how a reply is judged, and what the run's numbers are."""
