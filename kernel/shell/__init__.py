"""The outer ring of the kernel: what people see and call. Nothing in the kernel imports it."""
