"""notify's room for the ledger: each morning's census compared with what was pressed, id by id."""
