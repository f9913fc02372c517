"""The author's side: templates, the requirements document they render, settings, and compilation to a specification.

Import from the modules: ``render``, ``context``, ``document``, ``compile``, ``init``, ``settings``, ``gitfacts``.
"""
