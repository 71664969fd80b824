"""einfo, epost, elink, espell and ecitmatch: the small programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from msminer.sandbox.fields import LISTED
from msminer.sandbox.history import History
from msminer.sandbox.index import Index
from msminer.sandbox.normal import flat
from msminer.sandbox.records import Record
from msminer.sandbox.reply import DECLARATION, TEXT, Reply, Request, as_json, tag, xml

_NLM = "https://eutils.ncbi.nlm.nih.gov/eutils/dtd"
_INFO_HEAD = (
    f'{DECLARATION}<!DOCTYPE eInfoResult PUBLIC "-//NLM//DTD einfo 20190110//EN" "{_NLM}/20190110/einfo.dtd">\n'
)
_POST_HEAD = f'{DECLARATION}<!DOCTYPE ePostResult PUBLIC "-//NLM//DTD epost 20090526//EN" "{_NLM}/20090526/epost.dtd">'
_LINK_HEAD = (
    f'{DECLARATION}<!DOCTYPE eLinkResult PUBLIC "-//NLM//DTD elink 20101123//EN" "{_NLM}/20101123/elink.dtd">\n'
)
_SPELL_HEAD = (
    f'{DECLARATION}<!DOCTYPE eSpellResult PUBLIC "-//NLM//DTD eSpellResult, 23 November 2004//EN" '
    '"https://www.ncbi.nlm.nih.gov/entrez/query/DTD/eSpell.dtd">\n'
)
_LARGEST_ID = 18446744073709551615
_LINKS = ("pubmed_pubmed", "pubmed_pubmed_citedin", "pubmed_pubmed_refs", "pubmed_pmc")


class EInfo:
    """What the database holds: build, count and fields."""

    def __init__(self, index: Index, today: Callable[[], date]) -> None:
        self._index, self._today = index, today

    def __call__(self, request: Request) -> Reply:
        """The list of databases, or one of them."""
        db = request.get("db")
        if db and db != "pubmed":
            error = tag("ERROR", f"Can not retrieve DbInfo for db={db}")
            return xml(f"{_INFO_HEAD}<eInfoResult>{error}</eInfoResult>\n")
        if not db:
            return self._list(request)
        return self._as_json() if request.as_json else self._as_xml()

    def _list(self, request: Request) -> Reply:
        if request.as_json:
            return self._json({"dblist": ["pubmed"]})
        inside = "<DbList>\n\t<DbName>pubmed</DbName>\n</DbList>"
        return xml(f"{_INFO_HEAD}<eInfoResult>\n{inside}\n</eInfoResult>\n")

    def _as_json(self) -> Reply:
        info: dict[str, object] = {name.lower(): value for name, value in self._facts().items()}
        info["fieldlist"] = [{k.lower(): v for k, v in field.items()} for field in self._fields()]
        info["linklist"] = [{"name": name, "dbto": "pubmed"} for name in _LINKS]
        return self._json({"dbinfo": [info]})

    def _as_xml(self) -> Reply:
        body = "\n\t".join(tag(name, value) for name, value in self._facts().items())
        fields = "".join("<Field>" + "".join(tag(k, v) for k, v in f.items()) + "</Field>" for f in self._fields())
        links = "".join(f"<Link>{tag('Name', n)}<Menu/><Description/>{tag('DbTo', 'pubmed')}</Link>" for n in _LINKS)
        return xml(
            f"{_INFO_HEAD}<eInfoResult>\n\t<DbInfo>\n\t{body}\n\t<FieldList>{fields}</FieldList>"
            f"\n\t<LinkList>{links}</LinkList>\n\t</DbInfo>\n</eInfoResult>\n"
        )

    @staticmethod
    def _json(rest: dict[str, object]) -> Reply:
        return as_json("einfo", {"einforesult": rest})

    def _facts(self) -> dict[str, str]:
        today = self._today()
        return {
            "DbName": "pubmed",
            "MenuName": "PubMed",
            "Description": "PubMed bibliographic record",
            "DbBuild": f"Build-{today:%Y.%m.%d}.06.33",
            "Count": str(len(self._index.place)),
            "LastUpdate": f"{today:%Y/%m/%d} 06:33",
        }

    @staticmethod
    def _fields() -> list[dict[str, str]]:
        return [
            {
                "Name": field.name,
                "FullName": field.label,
                "Description": field.label,
                "TermCount": "",
                "IsDate": "Y" if field.shape == "date" else "N",
                "IsNumerical": "Y" if field.shape == "number" else "N",
                "SingleToken": "N",
                "Hierarchy": "Y" if field.name in {"MESH", "MAJR"} else "N",
                "IsHidden": "Y" if field.name == "UID" else "N",
            }
            for field in LISTED
        ]


class EPost:
    """Keeps identifiers on the history server."""

    def __init__(self, history: History) -> None:
        self._history = history

    def __call__(self, request: Request) -> Reply:
        """WebEnv and query key, or the errors; both when some identifiers were bad."""
        db = request.get("db", "pubmed")
        if db != "pubmed":
            return self._reply(tag("ERROR", f"Invalid db name specified: {db}"))
        given = request.ids()
        good = [int(text) for text in given if text.isdigit() and 0 < int(text) <= _LARGEST_ID]
        if not given:
            return self._reply(tag("ERROR", "Empty ID list; Nothing to store"))
        if not good:
            text = f"Some IDs have invalid value and were omitted. Maximum ID value {_LARGEST_ID}"
            return self._reply(tag("ERROR", "Empty ID list; Nothing to store") + "\n\t" + tag("ERROR", text))
        webenv, key = self._history.save(list(dict.fromkeys(good)), request.get("WebEnv"))
        inside = f"{tag('QueryKey', key)}\n\t{tag('WebEnv', webenv)}"
        if len(good) < len(given):
            inside += "\n\t" + tag("ERROR", "IDs contain invalid characters which was treated as delimiters.")
        return self._reply(inside)

    @staticmethod
    def _reply(inside: str) -> Reply:
        return xml(f"{_POST_HEAD}<ePostResult>\n\t{inside}\n</ePostResult>\n")


def elink(request: Request) -> Reply:
    """Link sets without links: the sandbox holds no citation graph, and PubMed has no retraction link either."""
    groups: Sequence[list[str]] = [[p for p in value.split(",") if p] for value in request.params.get("id", [])]
    known = {request.get("db", "pubmed"), request.get("dbfrom", "pubmed")} <= {"pubmed", "pmc"}
    bad = request.get("db") if request.get("db", "pubmed") not in {"pubmed", "pmc"} else request.get("dbfrom")
    if request.as_json:
        if not known:
            return as_json("elink", {"linksets": [], "ERROR": f"Invalid db name specified: {bad}"})
        return as_json("elink", {"linksets": [{"dbfrom": "pubmed", "ids": group} for group in groups]})
    if not known:
        return xml(f"{_LINK_HEAD}<eLinkResult>{tag('ERROR', f'Invalid db name specified: {bad}')}</eLinkResult>\n")
    sets = "".join(
        f"<LinkSet><DbFrom>pubmed</DbFrom><IdList>{''.join(tag('Id', i) for i in group)}</IdList></LinkSet>"
        for group in groups
    )
    return xml(f"{_LINK_HEAD}<eLinkResult>{sets}</eLinkResult>\n")


def espell(request: Request) -> Reply:
    """The term as it is: the sandbox corrects no spelling."""
    inside = tag("Database", "pubmed") + tag("Query", request.get("term")) + "<CorrectedQuery/><SpelledQuery/><ERROR/>"
    return xml(f"{_SPELL_HEAD}<eSpellResult>{inside}</eSpellResult>\n")


class ECitMatch:
    """Finds records by journal|year|volume|page|author|key| lines."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __call__(self, request: Request) -> Reply:
        """One line back for each line, ending in a PMID, NOT_FOUND or AMBIGUOUS and the PMIDs."""
        lines = [line.strip() for line in request.get("bdata").replace("\r", "\n").split("\n") if line.strip()]
        return Reply("".join(f"{self._line(line)}\n" for line in lines).encode(), TEXT)

    def _line(self, line: str) -> str:
        parts = [*(part.strip() for part in line.split("|")), *[""] * 6][:6]
        wanted = {
            name: flat(part)
            for name, part in zip(("JOUR", "year", "VOL", "PAGE", "AUTH"), parts, strict=False)
            if flat(part)
        }
        found = [r.pmid for r in map(self._index.records.__getitem__, self._near(wanted)) if _matches(r, wanted)]
        end = str(found[0]) if len(found) == 1 else f"AMBIGUOUS {','.join(map(str, found))}" if found else "NOT_FOUND"
        return "|".join([*parts, end])

    def _near(self, wanted: dict[str, str]) -> list[int]:
        return sorted(self._index.everything()) if wanted.keys() - {"year"} else []


def _matches(record: Record, wanted: dict[str, str]) -> bool:
    for name, value in wanted.items():
        if name == "year":
            fits = any(str(day // 10000) == value for day in record.dates.get("PDAT", []))
        elif name == "PAGE":
            fits = any(page.split()[:1] == value.split()[:1] for page in record.values.get("PAGE", []))
        elif name == "AUTH":
            fits = any(author == value or author.startswith(value + " ") for author in record.values.get("AUTH", []))
        else:
            fits = value in record.values.get(name, [])
        if not fits:
            return False
    return True
