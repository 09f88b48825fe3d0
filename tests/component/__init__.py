"""One service, or the stack, on real NATS and PostgreSQL."""
