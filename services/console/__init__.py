"""One live page for those who watch over the province: units with what is open, soon due and overdue; notices sent.

owns no stream. hears INTAKE (units), DEADLINE, COMPLAINTS, NOTIFY. says nothing; its tables are a copy to show.
"""
