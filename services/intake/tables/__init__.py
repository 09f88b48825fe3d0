"""Tables of systems that can only export tables: CSV and XLSX become messages by a mapping file, row by row."""
