"""How MultiTrust makes numbers of replies: evaluators in chains, and metrics at their ends; as published and repaired, as pure functions."""
