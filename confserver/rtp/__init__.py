"""Wire formats of media and their arithmetic: RTP, RTCP, telephone events, addresses, statistics.

Pure: bytes and arrays in, bytes and arrays out. Imports none of ours.
"""
