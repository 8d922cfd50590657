"""A shop on several machines, as far as processes on ports of their own are machines: one database, one queue."""
