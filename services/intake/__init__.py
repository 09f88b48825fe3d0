"""Intake: owns what the one-stop systems said. Hears FEED. Says INTAKE: facts of dossiers, units, procedures."""
