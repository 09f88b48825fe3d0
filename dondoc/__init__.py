"""The `dondoc` command, the stack on one machine and the demo. No rules live here."""
