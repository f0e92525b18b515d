"""Either build with spans: `python -m variants.tracing monolith.app` runs what `python -m monolith.app` runs.

The builds record nothing. They carry along what somebody else says (`traceparent`, see shared/platform/tracing.py).
As `opentelemetry-instrument` does, the launcher puts spans around what a module is made of, and then runs it: by hooks
of the libraries (ASGI and WSGI middleware, events of SQLAlchemy's Engine), and around public functions and methods that
are named by reference, in one table a build: `monolith.py`, with `extraction.py` while modules become services, and
`microservices/`.

The id that the edge gives each request is the id of its trace: what a customer reads in a problem finds the trace.
Whether a trace is kept is decided by that id alone, before OpenTelemetry is asked, and for a request that is not kept
all that follows is a look at a context variable.

settings    TRACE_SAMPLING, TRACE_DIR
recording   Recorder: the spans of one part, and the span at hand
files       keeps spans in a file of the part's own, so that no other server is needed
replacing   puts one function in the place of another, wherever it is bound
steps       spans around functions and methods
calls       spans of calls between parts
sql         spans of statements, commits, and the wait for a connection
"""
