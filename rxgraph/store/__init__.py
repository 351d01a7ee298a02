"""Memory across threads: values under a namespace and a key, found again by filter or by meaning.

===========================  ==============================================
what a store is              ``base.BaseStore``
for the life of a process    ``memory.InMemoryStore``
in an SQLite file            ``sqlite.SqliteStore``, ``sqlite.aio.AsyncSqliteStore``
===========================  ==============================================

A graph takes any object that has the methods its nodes call; a store need not derive from ``BaseStore``.
"""
