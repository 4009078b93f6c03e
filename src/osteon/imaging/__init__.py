"""
Arrays with geometry: reading them safely, and finding and measuring bones in them.

In: core, stats, domain. Out: volumes, label maps, measurements. Never: learned parameters, words, files of the platform.
"""
