"""
Rows of patients: read, checked, cleaned, linked, split, encoded, imputed.

In: files and tables. Out: tables in the schema's names and units, each with its log. Never: a learner's choice, a picture.
"""
