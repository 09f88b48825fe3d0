"""What is measured, against what: `uv run python -m bench`. Each run prints its conditions and its ratios."""
