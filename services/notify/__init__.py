"""notify: owns escalations, digests and their sending; hears DEADLINE and INTAKE's directory; says NOTIFY.

Lives here: who is pressed, when, with which words, and proof of it. Never here: due dates, and applicants' data.
"""
