"""What a policy says: ladders, slots, quiet hours and calendars, from its file to the instants that follow."""
