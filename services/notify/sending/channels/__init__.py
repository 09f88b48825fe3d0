"""The ways out of the house. Each takes a claimed notice, hands it to its provider and judges the answer."""
