"""What is decided of one obligation at a moment: its levels and lines, by the policy and calendars in force."""
