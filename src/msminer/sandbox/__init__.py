"""An E-utilities server on loopback, for the offline sample and the tests."""
