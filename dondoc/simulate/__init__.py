"""A believable province's feed, and the directory that goes with it. Nobody in it exists."""

from dondoc.simulate.feed import simulate
from dondoc.simulate.province import UNITS, demo_directory

__all__ = ["UNITS", "demo_directory", "simulate"]
