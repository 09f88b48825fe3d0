"""Deadline: owns what falls due and when. Hears INTAKE and COMPLAINTS. Says DEADLINE: due times set, moved, passed."""
