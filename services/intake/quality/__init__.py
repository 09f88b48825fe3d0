"""Completeness of reception: what of the dossiers heard of is missing or cannot be so, as flags with their evidence.

rules.py says what is flagged, offices.py whose it is; walking.py looks at the dossiers of recent days each night.
law: none gives these checks; they are the directive's complaint that reception is not fully recorded.
"""
