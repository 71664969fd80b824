"""Every error that msminer raises on purpose, as one tree.

    MsminerError                      exit code 1
    ├── UsageError                    exit code 2: a wrong option or argument
    ├── SettingsError                 a setting is missing, unknown or out of range
    ├── DataError                     a file of ours or the user's breaks a rule
    │   ├── VocabularyError           data/vocabulary.yaml
    │   ├── ClaimError                data/claims.yaml
    │   ├── RowError                  one row of a table: row, field, rule, value
    │   └── TableError                a whole table: columns, key, types
    ├── QueryError                    a search term PubMed would misread
    ├── PubMedError                   the talk with E-utilities failed
    │   ├── TransportError            timeout, connection, cut or oversized body
    │   ├── ServiceError              an answer that says it failed, whatever its status
    │   │   ├── RateLimited           429 or its body under another status
    │   │   ├── BadApiKey             the key was refused
    │   │   ├── PageTooHeavy          the viewer timed out; ask for fewer records at once
    │   │   └── AddressBlocked        NCBI blocks this address, or an unknown redirect
    │   ├── MalformedReply            the answer is not of the promised shape
    │   ├── IncompleteResult          asked, received and missing do not add up
    │   ├── ChecksumMismatch          a file is not the one its checksum promises
    │   └── EmptyResult               an honest zero where records were expected
    ├── ParseError                    bytes that are not the PubMed records they claim to be
    │   ├── NotPubMed                 another format
    │   ├── UnsafeXml                 entities, external references, nesting bombs
    │   └── DamagedXml                cut or broken; carries the PMID where it is known
    ├── StoreError                    the database
    │   ├── StoreLocked               another run holds it
    │   ├── StoreDamaged              it fails its integrity check
    │   ├── StoreVersion              newer than this program
    │   ├── StoreFull                 no space or read-only
    │   └── OriginMismatch            it holds records of another source
    ├── ModelError                    the classifier's file
    │   ├── ModelMissing
    │   └── ModelRefused              damaged, foreign or of another version
    ├── ReportError                   the report could not be made
    └── NotSent                       a notice was not delivered; it waits for the next run

Each carries the facts needed to act as keyword arguments; they are part of the message and stay readable as `context`.
"""

from __future__ import annotations


class MsminerError(Exception):
    """Base of all errors; `message` says what happened and what to do, `context` holds the facts."""

    exit_code = 1

    def __init__(self, message: str, **context: object) -> None:
        self.message = message
        self.context = context
        super().__init__(message)

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.context.items())
        return f"{self.message} ({facts})" if facts else self.message


class UsageError(MsminerError):
    """A wrong option or argument."""

    exit_code = 2


class SettingsError(MsminerError):
    """A setting is missing, unknown or out of range."""


class DataError(MsminerError):
    """A file breaks a rule."""


class VocabularyError(DataError):
    """The vocabulary breaks a rule; names the entry."""


class ClaimError(DataError):
    """The register of claims breaks a rule; names the claim."""


class RowError(DataError):
    """One row of a table breaks a rule."""

    def __init__(self, *, row: int, field: str, rule: str, value: object) -> None:
        self.row, self.field, self.rule, self.value = row, field, rule, value
        super().__init__(f"row {row}: {field} {rule}", value=value)


class TableError(DataError):
    """A table lacks a column, repeats a key or holds a wrong type."""


class QueryError(MsminerError):
    """A search term that PubMed would misread in silence."""

    exit_code = 2


class PubMedError(MsminerError):
    """The talk with E-utilities failed; never to be read as an absence of papers."""


class TransportError(PubMedError):
    """No whole answer arrived: timeout, connection, cut or oversized body."""


class ServiceError(PubMedError):
    """The service answered that it failed, whatever the HTTP status."""


class RateLimited(ServiceError):
    """Too many requests."""


class BadApiKey(ServiceError):
    """The API key was refused; the message never repeats it."""


class PageTooHeavy(ServiceError):
    """The service timed out on a page; fewer records at once may pass."""


class AddressBlocked(ServiceError):
    """NCBI redirected this address away; the run must stop."""


class MalformedReply(PubMedError):
    """The answer is not of the promised shape."""


class IncompleteResult(PubMedError):
    """Asked, received and missing do not add up."""


class ChecksumMismatch(PubMedError):
    """A file is not the one its checksum promises."""


class EmptyResult(PubMedError):
    """The search honestly found nothing."""


class ParseError(MsminerError):
    """Bytes that are not the PubMed records they claim to be."""


class NotPubMed(ParseError):
    """The input is of another format."""


class UnsafeXml(ParseError):
    """The input declares entities, external references or nests too deep."""


class DamagedXml(ParseError):
    """The input is cut or broken."""


class StoreError(MsminerError):
    """The database cannot be used as it is."""


class StoreLocked(StoreError):
    """Another run holds the store."""


class StoreDamaged(StoreError):
    """The store fails its integrity check."""


class StoreVersion(StoreError):
    """The store was written by a newer msminer."""


class StoreFull(StoreError):
    """No space is left, or the folder is read-only."""


class OriginMismatch(StoreError):
    """The store holds records of another source; sources are never mixed."""


class ModelError(MsminerError):
    """The classifier cannot be used."""


class ModelMissing(ModelError):
    """No model file where one was expected."""


class ModelRefused(ModelError):
    """The model file is damaged, foreign or of another version."""


class ReportError(MsminerError):
    """The report could not be made."""


class NotSent(MsminerError):
    """A notice was not delivered; it waits for the next run."""
