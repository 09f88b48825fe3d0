"""Intake: owns what the sources said. Hears FEED. Says INTAKE: facts of dossiers and duties, the directory of units."""
