"""Checks of the code, the template and the pages: `python -m checks.twins` for `make twins`, and one module or folder for
each other check. Nobody runs this file.
"""
