"""Evaluation and scoring as a gRPC service: who calls, how much, and what is answered."""
