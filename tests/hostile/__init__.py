"""Images made to harm: what each is, and what must be said of it.

One module a family; ``corpus.CASES`` is all of them. ``python -m tests.hostile`` runs each in a process of its own and
prints how long it took and how much memory.
"""
