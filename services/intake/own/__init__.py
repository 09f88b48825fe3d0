"""Our own facts format: what may be said of a dossier, and the facts that it asserts. Pure."""
