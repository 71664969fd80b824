"""An E-utilities server on loopback, for the offline sample and the tests (docs/sandbox.md)."""

from msminer.sandbox.connection import Logged
from msminer.sandbox.server import Sandbox

__all__ = ["Logged", "Sandbox"]
