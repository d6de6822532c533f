"""confserver: a SIP conference bridge. It knows packets and calls, and asks ``rooms`` what is allowed.

docs/architecture.md has the map: the way of an INVITE, the way of a packet, who may import whom.
"""
