"""Citizens' feedback: taken, kept, answered.

owns COMPLAINTS. hears FEED, its ticks only. says ComplaintFiled, ComplaintAnswered; what a citizen wrote, how to
reach them and what was answered stay in this service's tables and never enter an event, a log or a metric.
"""
