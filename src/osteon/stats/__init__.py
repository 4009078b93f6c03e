"""
Formulas over plain arrays.

In: numbers and arrays. Out: frozen results with intervals. Never: column names, tables, pixels, learners.
"""
