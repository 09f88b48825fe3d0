"""What a notice says, in which words and why, and what keeps it from being said now."""
