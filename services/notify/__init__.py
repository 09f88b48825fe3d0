"""notify: owns escalations, digests and their sending; hears DEADLINE, INTAKE's directory and calendars; says NOTIFY.

Lives here: who is pressed, when, with which words, and proof of it. Never here: due dates, and applicants' data.
Rooms, each built on those after it: sweeping (what is due) and trying (what a policy would have done), ledger,
answering, sending and receipts, modes (what may leave), telling (words), pressing (decisions), addressing (whom),
policies, audit.
"""
