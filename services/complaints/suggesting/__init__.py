"""What a feedback may be: a kind, a field, categories and a place, each with its reasons. A named officer decides."""
