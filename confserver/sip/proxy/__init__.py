"""A stateful, forking proxy (RFC 3261 section 16) on the stack's own transactions.

    request -> proxy.Proxy.takes --+- for our own user agent --------> as ever (``incoming``)
               routes, checks      +- refused -----------------------> one answer, no state
                                   `- relayed -> fork.Fork ----------> Branch, Branch ... (client transactions)
    answers <- server transaction <------------- best, at once or chosen <-'

``plan`` is what the stack is told of a request: who gets it, or the answer. ``routes``: Route and Record-Route
(16.4, 16.6, with flow tokens of RFC 5626), ``checks``: what is looked at first (16.3, RFC 5393), ``best``: which of
many answers goes back (16.7), ``discretion``: what is not sent on. Imported by ``sip``
alone, but for ``plan``, which ``routing`` and ``app`` speak.
"""
