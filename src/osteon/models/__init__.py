"""
Learned parameters: train, tune, evaluate, explain.

In: tables and outcomes. Out: fitted models, honest predictions, cards. Never: a treatment rule, a page.
"""
