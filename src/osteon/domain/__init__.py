"""
The nouns everybody shares: a patient, a risk, a score, a plan, a spine.

In: core. Out: frozen values. Never: formulas, files, words.
"""
