"""What may leave the house: recording, live or paused; and what went out or would have."""
