"""`dondoc quarantine`: the commands for what the services could not understand or carry out."""
