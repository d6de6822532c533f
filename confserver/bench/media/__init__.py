"""A media worker alone: a real worker process, spoken to by messages of the contract; no calls, no signalling process.

    load.py       who is in which room, with which codec, and whether he speaks; the media plan of each leg
    payloads.py   speech and silence in each codec, made once
    words.py      what rig and generator say to each other
    phones.py     the columns of all phones;  group.py  those that send at the same moment of every 20 ms
    source.py     the generator's process
    worker.py     the worker's process and the line to it;  floor.py  a process that only receives and sends
    processes.py  starting them, on cores of their own where there are enough
    rig.py        generator and worker together: legs come and go, windows are measured
    figures.py    what a window was like; arithmetic of capacity, memory and cost
    benches.py    one function for each question, and the table of them;  delays.py and churn.py  two that need more
    survey.py     the short round for operators
    tables.py     figures as Markdown

Where two cores are to be had, the worker has one and the generator the other.
"""
