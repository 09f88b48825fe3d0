"""complaints' room for secrecy: what is sealed, who read an identity, sealed attachments, keys and their change."""
