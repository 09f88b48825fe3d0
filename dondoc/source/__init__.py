"""`dondoc source`: the register of sources in intake, and their logins on NATS."""
