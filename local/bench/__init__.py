"""What the function costs: `make bench`, `make counts`, `make plot`.

Everything here looks at the function from outside. It is started as Lambda starts it, with a Runtime API that hands it
events and stand-ins for Secrets Manager and SQS over TLS, and what it takes is read from the operating system.

    services      the Runtime API, Secrets Manager and SQS
    certificates  the stand-ins' certificates, and a bundle of roots as large as a system's
    requests      the events
    life          a function's life from its start to its end, and what it took
"""
