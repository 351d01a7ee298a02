"""What a store is: its operations, its items, and the rules that all stores keep.

======================  =================================================================
the class               ``BaseStore``, and ``AsyncBatchedBaseStore``, which gathers calls
what it gives           ``Item``, ``SearchItem``
what it is asked        ``GetOp``, ``PutOp``, ``SearchOp``, ``ListNamespacesOp``
configuration           ``TTLConfig``, ``IndexConfig``
filters                 ``matcher``, whose docstring has the operators
texts of a value        ``get_text_at_path``, whose docstring has the paths
======================  =================================================================
"""

from __future__ import annotations

from rxgraph.store.base._embeddings import AEmbeddingsFunc as AEmbeddingsFunc
from rxgraph.store.base._embeddings import Embeddings as Embeddings
from rxgraph.store.base._embeddings import EmbeddingsFunc as EmbeddingsFunc
from rxgraph.store.base._embeddings import ensure_embeddings as ensure_embeddings
from rxgraph.store.base._filters import matcher as matcher
from rxgraph.store.base._item import Item as Item
from rxgraph.store.base._item import SearchItem as SearchItem
from rxgraph.store.base._namespaces import InvalidNamespaceError as InvalidNamespaceError
from rxgraph.store.base._namespaces import validate_op_namespace as validate_op_namespace
from rxgraph.store.base._ops import NOT_GIVEN as NOT_GIVEN
from rxgraph.store.base._ops import NOT_PROVIDED as NOT_PROVIDED
from rxgraph.store.base._ops import GetOp as GetOp
from rxgraph.store.base._ops import IndexConfig as IndexConfig
from rxgraph.store.base._ops import ListNamespacesOp as ListNamespacesOp
from rxgraph.store.base._ops import MatchCondition as MatchCondition
from rxgraph.store.base._ops import NamespaceMatchType as NamespaceMatchType
from rxgraph.store.base._ops import NamespacePath as NamespacePath
from rxgraph.store.base._ops import NotProvided as NotProvided
from rxgraph.store.base._ops import Op as Op
from rxgraph.store.base._ops import PutOp as PutOp
from rxgraph.store.base._ops import Result as Result
from rxgraph.store.base._ops import SearchOp as SearchOp
from rxgraph.store.base._ops import TTLConfig as TTLConfig
from rxgraph.store.base._paths import get_text_at_path as get_text_at_path
from rxgraph.store.base._paths import tokenize_path as tokenize_path
from rxgraph.store.base._store import BaseStore as BaseStore
from rxgraph.store.base.batch import AsyncBatchedBaseStore as AsyncBatchedBaseStore

__all__ = (
    "NOT_GIVEN",
    "NOT_PROVIDED",
    "AEmbeddingsFunc",
    "AsyncBatchedBaseStore",
    "BaseStore",
    "Embeddings",
    "EmbeddingsFunc",
    "GetOp",
    "IndexConfig",
    "InvalidNamespaceError",
    "Item",
    "ListNamespacesOp",
    "MatchCondition",
    "NamespaceMatchType",
    "NamespacePath",
    "NotProvided",
    "Op",
    "PutOp",
    "Result",
    "SearchItem",
    "SearchOp",
    "TTLConfig",
    "ensure_embeddings",
    "get_text_at_path",
    "matcher",
    "tokenize_path",
    "validate_op_namespace",
)
