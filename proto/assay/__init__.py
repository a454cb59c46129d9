"""The service's contract, for Python: `assay.v1` has the messages and stubs that the `.proto` files make, `assay.client` the client."""
