"""Measures the function: `make bench`, `make counts`, `make growth`.

These programs start the function as Lambda does, with emulators of the Runtime API and, over TLS, of Secrets Manager and
SQS. They read time, CPU and memory from the operating system.
"""
