"""MultiTrust (Zhang et al., 2024, arXiv 2406.07057): thirty-two tasks on truthfulness, safety, robustness, fairness and privacy."""
