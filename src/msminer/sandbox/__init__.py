"""An E-utilities server on loopback, for the offline sample and the tests (docs/sandbox.md)."""

from msminer.sandbox.server import Logged, Sandbox

__all__ = ["Logged", "Sandbox"]
