"""Answers of heads by the link in a mail: the link, its page, what an answer does, and what the operator sees of it."""
