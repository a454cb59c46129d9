"""Vendors behind the contract: one thin file each, on the vendor's own SDK, hosted inside Triton by `gateway.host`."""
