"""A believable province's feed, and the directory that goes with it. Nobody in it exists."""
