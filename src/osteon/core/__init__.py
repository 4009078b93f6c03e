"""
What every room needs: errors, results, configuration, files, units, progress, seeds.

In: nothing of osteon. Out: small values and functions. Never: a clinical noun, a table, a picture.
"""
