"""
A series becomes findings.

In: imaging, models, synth, care and below. Out: codes and numbers. Never: words, figures, files of the platform.
"""
