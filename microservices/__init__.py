"""The shop as four services, each with a database server of its own, that talk over HTTP and a broker."""
