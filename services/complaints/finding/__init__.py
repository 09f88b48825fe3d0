"""Finds feedback: by its words, the same matter told again, and many reports about one unit or officer.

What is sealed (a denunciation or what may be one, a sender who asked to stay unknown) has no row, no word and no
signature here: it is neither found nor likened to anything. It counts for patterns that its superior alone is told of.
"""
