"""The Prometheus page: what is counted as it happens, and what the server's parts say of themselves.

::

    events of rooms, outcomes of calls, what calls were worth ---------> tally
    reports of media workers, as they come --------------------------> media --> tally
    describe() of all parts -----------------------------------------> catalogue --> exposition --> GET /metrics

No label has a person, a room or an address in it: a page stays as short as the server is plain.
"""
