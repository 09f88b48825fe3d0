"""What every program needs: events, bus, outbox, database, clock, working time. Knows no service."""
