"""Signalling under load: calls, registrations and messages a second, memory of a dialog, set-up beside other work.

script.py    the text of each request, and what is read of an answer: bytes, for they must not be the limit
load.py      requests sent by a clock, each again until its answer, and what has become of them
rates.py     the search for the highest rate that holds
benches.py   what is measured, and under which conditions
"""
