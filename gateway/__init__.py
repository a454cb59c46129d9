"""Triton as the gateway: it lays out a repository, keeps the server up, hosts proxies in it, and is the client to it."""
