"""Whom a matter concerns and where that person is reached: the directory as notify keeps it, desks, absences."""
