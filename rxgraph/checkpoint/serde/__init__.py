"""Values to bytes and back, in the form that LangGraph's rows have, and strict about what a row may make.

======================  =============================================================
the serializer          ``jsonplus.JsonPlusSerializer``
the same, encrypted     ``encrypted.EncryptedSerializer``
what a row may make     ``allowlist.collect_allowlist``, ``allowlist.AllowList``
what can go wrong       ``errors``
serializers of yours    ``base.SerializerProtocol``, ``base.CipherProtocol``
======================  =============================================================
"""
