"""Intake: owns what the sources said. Hears FEED. Says INTAKE: facts, units, procedures, calendars."""
