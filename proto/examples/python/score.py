"""Score replies as they come, on asyncio: python score.py ADDRESS < replies.jsonl.

Each line of the input is {"id", "scorer", "reply", "reference"}; each line of the output is {"id", "values"} or {"id", "error"}.
"""

import asyncio
import json
import os
import sys

from assay.client import AsyncClient, ServiceError, item


async def main(address: str) -> None:
    """Print each result as soon as it is known."""
    told = (json.loads(line) for line in sys.stdin)
    items = (item(each["id"], each["scorer"], reply=each["reply"], reference=each["reference"]) for each in told)
    async with AsyncClient(address, token=os.environ.get("ASSAY_TOKEN")) as client:
        async for result in client.score_stream(items):
            values = {each.metric: each.value for each in result.values}
            error = {"error": str(ServiceError.of_status(result.error))} if result.HasField("error") else {"values": values}
            print(json.dumps({"id": result.id, **error}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
