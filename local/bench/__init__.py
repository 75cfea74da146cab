"""Measures the function: `make bench`, `make counts`, `make plot`.

Each program starts the function as Lambda does. It emulates the Runtime API and, over TLS, Secrets Manager and SQS. It
reads time, CPU and memory from the operating system.
"""
