"""What nodes wrote for an input, kept so that they needn't run for it again.

===========================  ====================================
what a cache is              ``base.BaseCache``
for the life of a process    ``memory.InMemoryCache``
in an SQLite file            ``sqlite.SqliteCache``
===========================  ====================================

A graph takes any object that has the methods of ``BaseCache``; it need not derive from it.
"""
