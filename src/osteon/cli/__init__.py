"""
Words typed by a person become one library call; its result becomes words printed.

In: argv. Out: text and exit codes. Never: a computation.
"""
