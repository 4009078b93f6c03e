"""
The published designs, each composed from the rooms below.

In: data and a configuration. Out: results.json, tables, figures, a report. Never: a formula of its own.
"""
