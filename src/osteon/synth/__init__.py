"""
Invented people and scans with known truth.

In: a seed. Out: data and the truth behind them, labelled SIMULATED. Never: a claim about real patients.
"""
