"""Polls a portal-style endpoint for what is new, hands it to intake, and acknowledges what intake has stored.

It talks HTTP on both sides and keeps nothing: what is not acknowledged the portal lists again, and what intake has
already is a repeat.
"""
