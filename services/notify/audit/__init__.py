"""notify's room for the audit: an append-only, hash-chained log of what was said, acknowledged and changed."""
