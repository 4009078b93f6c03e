"""
Clinical judgement: published scores and their cut-offs.

In: facts about a patient. Out: scores, bands, reasons. Never: a learner, a table, a page.
"""
