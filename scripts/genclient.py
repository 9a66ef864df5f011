"""Writes src/q2e/client.py, the Python client, from the server's OpenAPI document.

python scripts/genclient.py            # write
python scripts/genclient.py --check    # exit 1 if the client is stale
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "src" / "q2e" / "client.py"

#: Most choices that a type names one by one; the server knows them all.
_SPELT_OUT = 7

HEAD = '''"""The HTTP API as Python functions, written by scripts/genclient.py from the document."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypedDict, Unpack
from urllib.parse import quote

import httpx

from q2e.errors import ServerError

Json = dict[str, Any]

# GROUPS


class Client:
    """Asks a server that `q2e serve` runs; raises ServerError where it refuses.

    `token` is the one the server printed or `q2e token add` did; by default that in the variable
    Q2E_TOKEN, if any. Arguments left as None are not sent.
    """

    def __init__(
        self, address: str = "http://localhost:8077", *, token: str | None = None,
        timeout_s: float = 120.0,
    ) -> None:
        token = token or os.environ.get("Q2E_TOKEN")
        headers = {} if token is None else {"authorization": f"Bearer {_sendable(token)}"}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=timeout_s)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, method: str, path: str, query: Json, **content: Any) -> httpx.Response:
        given = {name: value for name, value in query.items() if value is not None}
        try:
            return _checked(self._http.request(method, path, params=given, **content))
        except httpx.TransportError as error:
            told = f"{self._http.base_url} does not answer ({error})"
            raise ServerError(0, "unreachable", told, "is  q2e serve  running there?") from None

    def _lines(self, path: str, method: str = "GET", **content: Any) -> Iterator[Json]:
        with self._http.stream(method, path, timeout=None, **content) as answer:
            if answer.is_error:
                answer.read()
            for line in _checked(answer).iter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))
'''

TAIL = """

def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        try:
            error = answer.json()["error"]
            told = (error["code"], error["message"], error["next"])
        except (ValueError, KeyError, TypeError):
            told = ("unknown", answer.text[:200], "is this the address of a q2e server?")
        raise ServerError(answer.status_code, *told)
    return answer


def _sendable(token: str) -> str:
    # What does not fit into a header is sent percent-encoded; the server knows both forms.
    return token if re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token) else quote(token, safe="")


def _given(body: Json) -> Json:
    return {name: value for name, value in body.items() if value is not None}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, say if it is stale")
    check = parser.parse_args().check
    text = client(document())
    if CLIENT.is_file() and CLIENT.read_text("utf-8") == text:
        return 0
    if check:
        print("src/q2e/client.py is stale: run  python scripts/genclient.py", file=sys.stderr)
        return 1
    CLIENT.write_text(text, "utf-8")
    return 0


def document() -> dict[str, Any]:
    """Return the OpenAPI document of a server; no index is needed for it."""
    import q2e
    from q2e.server.app import create_app

    return create_app(q2e.open(ROOT / "no-index")).openapi()


def client(document: dict[str, Any]) -> str:
    """Return the module, one method an operation, formatted as everything else is."""
    schemas = document["components"]["schemas"]
    calls = [
        Call(path, verb, operation, _optional(operation, schemas), _needed(operation, schemas))
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
        # Pieces of a file are for the page, which goes on with them after a break.
        if "application/octet-stream" not in operation.get("requestBody", {}).get("content", {})
    ]
    groups = _groups(calls)
    classes, inherited = "", "TypedDict"
    for name, (purpose, fields) in groups.items():
        lines = "".join(f"    {field}: {_maybe(kind)}\n" for field, kind in fields.items())
        classes += f'\n\nclass {name}({inherited}, total=False):\n    """{purpose}"""\n\n{lines}'
        inherited = name
    head = HEAD.replace("\n# GROUPS\n", classes)
    made = head + "".join(_method(call, groups) for call in calls) + TAIL
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(CLIENT), "-"]
    return subprocess.run(command, input=made, capture_output=True, text=True, check=True).stdout


@dataclass(frozen=True)
class Call:
    """One operation, with the types of the arguments it takes."""

    path: str
    verb: str
    operation: dict[str, Any]
    optional: dict[str, str]
    needed: dict[str, str]


def _groups(calls: list[Call]) -> dict[str, tuple[str, dict[str, str]]]:
    """Return the arguments that all searches share, which are declared once."""
    tuned = [call.optional for call in calls if "decompose" in call.optional]
    asked = [optional for optional in tuned if "channels" in optional]
    settings = {n: kind for n, kind in tuned[0].items() if all(n in one for one in tuned)}
    search = {n: kind for n, kind in asked[0].items() if all(n in one for one in asked)}
    own = {n: kind for n, kind in search.items() if n not in settings}
    return {
        "Settings": ("Settings of the collection, changed for one request.", settings),
        "Search": ("What narrows a search, and its settings.", own),
    }


def _method(call: Call, groups: dict[str, tuple[str, dict[str, str]]]) -> str:
    operation = call.operation
    parameters = operation.get("parameters", ())
    in_path = [p["name"] for p in parameters if p["in"] == "path"]
    in_query = {p["name"] for p in parameters if p["in"] == "query"}
    settings, search = groups["Settings"][1], groups["Search"][1]
    group = "Search" if search.keys() <= call.optional.keys() else "Settings"
    shared = settings | (search if group == "Search" else {})
    shared = shared if settings.keys() <= call.optional.keys() else {}
    own = {name: kind for name, kind in call.optional.items() if name not in shared}

    signature = ["self", *(f"{name}: str" for name in in_path)]
    signature += [f"{name}: {kind}" for name, kind in call.needed.items()]
    signature += ["*"] if own else []
    signature += [f"{name}: {_maybe(kind)} = None" for name, kind in own.items()]
    signature += [f"**options: Unpack[{group}]"] if shared else []
    returns, ending = _answer(operation)
    purpose = textwrap.wrap(operation["description"], 84, break_long_words=False)
    doc = "\n        ".join(purpose) + ("\n        " if len(purpose) > 1 else "")
    head = f"\n    def {operation['operationId']}({', '.join(signature)}) -> {returns}:\n"
    head += f'        """{doc}"""\n'

    path = call.path
    for one in in_path:
        path = path.replace(f"{{{one}}}", f"{{quote({one}, safe='')}}")
    where = f'f"{path}"' if in_path else f'"{path}"'
    if returns == "Iterator[Json]" and "requestBody" not in operation:
        return f"{head}        return self._lines({where})\n"
    plain = [name for name in (*call.needed, *own) if name in in_query]
    body = [name for name in (*call.needed, *own) if name not in in_query]
    rest = ["**options"] if shared else []
    sent = _pairs(plain + (rest if in_query else []))
    content = ""
    if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        content = ', files={"file": file.read_bytes()}'
    elif body:
        content = f", json=_given({_pairs(body + ([] if in_query else rest))})"
    if returns == "Iterator[Json]":
        return f"{head}        return self._lines({where}, {call.verb.upper()!r}{content})\n"
    asked = f'self._send("{call.verb.upper()}", {where}, {sent}{content})'
    if returns == "Json":
        return f"{head}        answer: Json = {asked}.json()\n        return answer\n"
    return f"{head}        return {asked}{ending}\n"


def _pairs(names: list[str]) -> str:
    return "{" + ", ".join(n if n.startswith("**") else f'"{n}": {n}' for n in names) + "}"


def _needed(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, str]:
    return {name: kind for name, (kind, needed) in _all(operation, schemas).items() if needed}


def _optional(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, str]:
    return {name: kind for name, (kind, needed) in _all(operation, schemas).items() if not needed}


def _all(operation: dict[str, Any], schemas: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Return what is sent beside the path: its types, and whether it is needed."""
    query = {
        p["name"]: (_kind(p["schema"]), bool(p.get("required")))
        for p in operation.get("parameters", ())
        if p["in"] == "query"
    }
    return query | _fields(operation.get("requestBody", {}).get("content", {}), schemas)


def _fields(body: dict[str, Any], schemas: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Return the fields of a request's body: their types, and whether they are needed."""
    if not body:
        return {}
    if "multipart/form-data" in body:
        return {"file": ("Path", True)}
    schema = schemas[body["application/json"]["schema"]["$ref"].rpartition("/")[2]]
    needed = schema.get("required", ())
    return {name: (_kind(one), name in needed) for name, one in schema["properties"].items()}


def _kind(schema: dict[str, Any]) -> str:
    """Return the Python type of a schema."""
    if "anyOf" in schema:
        return _kind(next(one for one in schema["anyOf"] if one.get("type") != "null"))
    if "enum" in schema and len(schema["enum"]) <= _SPELT_OUT:
        return f"Literal[{', '.join(repr(one) for one in schema['enum'])}]"
    if schema.get("type") == "array":
        return f"list[{_kind(schema['items'])}]"
    names = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}
    return names.get(schema.get("type", ""), "Json")


def _maybe(kind: str) -> str:
    return f"{kind} | None"


def _answer(operation: dict[str, Any]) -> tuple[str, str]:
    """Return the type a method returns, and how it comes out of the response."""
    success = next(r for code, r in operation["responses"].items() if code.startswith("2"))
    content = success.get("content", {})
    if "text/event-stream" in content:
        return "Iterator[Json]", ""
    if list(content) == ["application/json"]:
        return "Json", ".json()"
    if any(kind.startswith("text/") for kind in content):
        return "str", ".text"
    return "bytes", ".content"


if __name__ == "__main__":
    sys.exit(main())
