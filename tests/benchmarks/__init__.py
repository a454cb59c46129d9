"""What is timed. `make bench` runs all of it and writes `results.md`; figures that count are ratios taken in one run."""
