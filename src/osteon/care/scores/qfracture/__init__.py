"""
QFracture-2012, kept apart because it is LGPL-3.0-or-later: equations, coefficients, licence texts, disclaimer.

Copyright 2012 ClinRisk Ltd. (coefficients). SPDX-License-Identifier: LGPL-3.0-or-later.
Every place that shows a score shows ``equations.disclaimer()`` beside it.
"""
