"""The client of the service: `Client` for plain code, `AsyncClient` for asyncio; the messages are those of `assay.v1`.

    with Client("localhost:8471") as client:
        run = client.create_run("quickstart", request_id="nightly-2026-11-22")
        for response in client.watch(run.name):
            print(response.run.state, len(response.outcomes))
        for result in client.score_stream(item(n, "measure.yes_no", reply=reply, reference="yes") for n, reply in replies):
            print(result.id, result.values)

Every method answers with messages and raises `ServiceError` where the call brought none. A call that the connection failed is made again
a few times; a stream that broke is picked up where it was, for as long as `patience` says.
"""

from assay.client.asynchronous import AsyncClient
from assay.client.blocking import Client
from assay.client.connection import Tls
from assay.client.errors import ServiceError, Violation
from assay.client.items import item

__all__ = ["AsyncClient", "Client", "ServiceError", "Tls", "Violation", "item"]
