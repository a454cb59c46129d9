"""Benchmarks as plugins: each package here is found through an entry point, as a stranger's would be."""
