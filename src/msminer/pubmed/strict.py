"""The one place where bytes meet an XML parser: strict, without entities, network, DTD or depth beyond the usual."""

from __future__ import annotations

import functools
import threading
from typing import Any

from lxml import etree

from msminer.errors import DamagedXml, UnsafeXml


class _Deaf:
    """A parser target that listens to nothing: libxml2 checks everything and builds nothing."""

    def close(self) -> None:
        """Required by lxml."""


def is_well_formed(data: bytes) -> bool:
    """Whether `read_tree` would read it; builds nothing, and so takes less than half of its time."""
    parser = _checker(threading.get_ident())
    try:
        etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return False
    # Without a tree, libxml2 notes a prefix that was never declared but does not fail on it.
    return len(parser.error_log) == 0


def read_tree(data: bytes) -> Any:
    """The root element without comments and instructions; raises UnsafeXml for deep nesting, DamagedXml else."""
    try:
        return etree.fromstring(data, _builder(threading.get_ident()))
    except etree.XMLSyntaxError as error:
        if "depth" in (error.msg or ""):
            raise UnsafeXml("elements nest too deep") from error
        raise DamagedXml(f"broken XML: {error.msg}") from error


# A parser a thread: with one for all, threads would wait for each other, and could clear the log another still reads.
@functools.lru_cache(maxsize=64)
def _checker(_thread: int) -> etree.XMLParser:
    return _parser(target=_Deaf())


@functools.lru_cache(maxsize=64)
def _builder(_thread: int) -> etree.XMLParser:
    return _parser(remove_comments=True, remove_pis=True)


def _parser(**more: Any) -> etree.XMLParser:
    # huge_tree stays off: it would lift libxml2's limits on depth (256) and on one text (10 MB).
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, **more)
