"""Where a request goes, and whether it may come in at all.

    heard at all?    barrier: budgets, bans, scanners, overload; guard knows which networks are ours
    who is it?       authentication: users, and the refusals of those who are nobody
    where to?        router: table, patterns, domains, trunks, reach; routes, the focus's part of it
    where are they?  registrar: registration, location, gruus
    whom may we call?  dialplan: fence, trunks
    kept             store, user_store, route_store, toll_store;  commands: what administrators may ask of all this

Pure, but for the stores, which define tables; may import ``sip``.
"""
