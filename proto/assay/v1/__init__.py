"""What `make protos` generates of the `.proto` files beside it; never edited."""
