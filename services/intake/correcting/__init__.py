"""What people put right: facts retracted, reversals let stand, two codes that are one dossier."""
