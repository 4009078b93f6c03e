"""
Results become words, tables, figures and pages, in English and Chinese.

In: results and codes. Out: HTML, PDF, DOCX, CSV, SVG, PNG. Never: a computation that changes a result.
"""
