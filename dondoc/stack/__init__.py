"""The stack on one machine: NATS, PostgreSQL and the services as supervised processes. No rules."""
