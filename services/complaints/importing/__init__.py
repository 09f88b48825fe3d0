"""Feedback that comes from elsewhere: tables of the hotline, states of the national portal."""
