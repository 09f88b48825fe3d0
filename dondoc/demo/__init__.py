"""The demo: a simulated province on the real stack, three weeks in minutes, with a mailbox to look into."""
