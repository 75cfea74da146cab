"""Checks of the code, the template and the pages. Each check is a module or a folder, and has a target in the Makefile:
`make twins` runs `python -m checks.twins`.
"""
