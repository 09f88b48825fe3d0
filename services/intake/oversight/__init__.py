"""The room for oversight: findings, tasks, plans, periodic reports, surprise checks, recommendations to discipline.

What has a unit and a date is said as a duty and falls due like anything else; the whole of each is a record of its own,
kept with every state it had and said as `OversightRecorded`. Nobody's name belongs in any of them.
"""
