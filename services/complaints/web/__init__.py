"""The citizens' own pages: a feedback is filed and followed in any browser, without scripts, cookies or third parties.

What guards them against floods is here too (`guard`), also for those who file over HTTP.
"""
