"""
The nouns everybody shares: a risk, a score.

In: core. Out: frozen values. Never: formulas, files, words.
"""
