"""Start a run of a suite and follow it to its end: python evaluate.py ADDRESS SUITE."""

import os
import sys

from assay.client import Client
from assay.v1.evaluation_pb2 import RunState


def main(address: str, suite: str) -> None:
    """Print how far the run is, and at the end every estimate with its interval."""
    with Client(address, token=os.environ.get("ASSAY_TOKEN")) as client:
        run = client.create_run(suite)
        outcomes = 0
        for response in client.watch(run.name):
            outcomes += len(response.outcomes)
            if response.HasField("run"):
                print(RunState.Name(response.run.state), outcomes)
        for task in client.get_report(run.name).tasks:
            for found in task.estimates:
                print(task.task, task.model, found.metric.name, f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]")


if __name__ == "__main__":
    main(*sys.argv[1:])
