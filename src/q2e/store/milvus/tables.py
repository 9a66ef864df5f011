"""The collections of a projection: one for each space of vectors, one for words.

Many indexes may share them: `of` says whose a row is, and is their partition key. A row's key is
its index and the number of the evidence, which a database never gives twice.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import chain
from typing import Any

from q2e.errors import StoreError
from q2e.store.milvus.address import PATIENCE_S, Place, connect, place, speaking, version
from q2e.store.rows import pack
from q2e.types import Filters

#: Rows that Milvus looks at one by one until they are sealed; of more it makes lists at once.
UNSEALED = 4_000
#: Rows from which on it makes an index of what it sealed.
_INDEXED = 1_024

#: Rows that travel at a time, and videos that are named in one condition.
ROWS, VIDEOS = 1_000, 500
#: Most that a server returns of one question.
MOST = 16_384
WORDS = "words"
#: Longest text of a column; a longer one is kept by its digest.
_TEXT = 256
_GRAPH = {"M": 16, "efConstruction": 200}
#: Rows that are met in a graph for each that is asked for.
_MET = 5
#: Shares of the videos that are asked for apart where all is to be looked at: where less than 7 %
#: of its rows are left, Milvus walks no graph.
_SHARES = 16

Row = dict[str, Any]


def short(text: str) -> str:
    """Return a text as a column takes it: itself, or its digest where it is long or no text."""
    packed = pack(text)
    plain = len(packed) <= _TEXT and text.isprintable()
    return text if plain else "#" + blake2b(packed, digest_size=16).hexdigest()


def tag_key(tag: str) -> str:
    return blake2b(pack(tag), digest_size=8).hexdigest()


@dataclass(slots=True)
class Tables:
    """What one index holds in one Milvus; connects when first asked."""

    address: str
    of: str
    index: str = "hnsw"
    _client: Any = None
    _place: Place = field(init=False)
    _version: tuple[int, int] = (2, 3)
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._place = place(self.address)

    @property
    def client(self) -> Any:
        if self._client is None:
            client = connect(self.address)
            with speaking(self.address):
                self._version = version(client)
            self._client = client
        return self._client

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turn complaints into errors of ours; after one, the next call connects anew."""
        try:
            with speaking(self.address):
                yield
        except StoreError:
            client, self._client = self._client, None
            if client is not None:
                client.close()
            raise

    @property
    def modern(self) -> bool:
        """Whether the server knows sparse vectors and groups what it finds (Milvus 2.4)."""
        return bool(self.client) and self._version >= (2, 4)

    def walks(self, space: str) -> bool:
        """Whether a graph of a server is walked there; the file of milvus-lite is for trials."""
        return space != WORDS and self.index == "hnsw" and self._place.uri.startswith("http")

    def name(self, space: str) -> str:
        """Return the collection of a space, or of words."""
        own = space if space == WORDS else blake2b(pack(space), digest_size=6).hexdigest()
        return f"{self._place.name}_{own}" + ("" if self.index == "hnsw" else f"_{self.index}")

    def there(self, space: str) -> bool:
        """Return whether the collection of a space is there."""
        name = self.name(space)
        if name not in self._known:
            with self._speaking():
                if not self.client.has_collection(name, timeout=PATIENCE_S):
                    return False
            self._known.add(name)
        return True

    def must_have(self, space: str) -> None:
        """Raise StoreError where a collection that was made is gone."""
        if not self.there(space):
            raise StoreError(
                f"{self.address} has no collection {self.name(space)}, which was made there; make "
                "it anew with  q2e engine rebuild"
            )

    # -- writing --------------------------------------------------------------------------------
    def make(self, space: str, dimension: int) -> None:
        """Make the collection of a space where it is not there; words have no dimension."""
        if self.there(space):
            return
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
        schema.add_field("of", DataType.VARCHAR, max_length=32, is_partition_key=True)
        schema.add_field("made", DataType.INT64)
        schema.add_field("video", DataType.INT64)
        for column in ("channel", "language", "date"):
            schema.add_field(column, DataType.VARCHAR, max_length=_TEXT)
        schema.add_field("duration_s", DataType.DOUBLE)
        schema.add_field(
            *("tags", DataType.ARRAY),
            element_type=DataType.VARCHAR,
            max_capacity=1_024,
            max_length=16,
        )
        how = MilvusClient.prepare_index_params()
        if space == WORDS:
            schema.add_field("vector", DataType.SPARSE_FLOAT_VECTOR)
            how.add_index("vector", index_type="SPARSE_INVERTED_INDEX", metric_type="IP", params={})
        else:
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
            of = _GRAPH if self.index == "hnsw" else {}
            how.add_index("vector", index_type=self.index.upper(), metric_type="IP", params=of)
        with self._speaking():
            self.client.create_collection(
                self.name(space),
                schema=schema,
                index_params=how,
                consistency_level="Strong",
                timeout=4 * PATIENCE_S,
            )
        self._known.add(self.name(space))

    def replace(self, space: str, videos: Sequence[int], rows: Sequence[Row]) -> None:
        """Put rows in the place of all that is held of their videos.

        By a deletion and an insertion: upserts of Milvus 2.3 lose rows where there is a partition
        key.
        """
        for start in range(0, len(videos), VIDEOS):
            some = ", ".join(map(str, videos[start : start + VIDEOS]))
            self.delete(space, f"video in [{some}]")
        with self._speaking():
            for start in range(0, len(rows), ROWS):
                self.client.insert(
                    self.name(space), list(rows[start : start + ROWS]), timeout=4 * PATIENCE_S
                )

    def delete(self, space: str, condition: str) -> None:
        """Remove what satisfies a condition."""
        with self._speaking():
            self.client.delete(
                self.name(space), filter=f"{self._own} and {condition}", timeout=4 * PATIENCE_S
            )

    def settle(self, space: str) -> None:
        """Have all rows of a space indexed.

        Of more than `UNSEALED` rows that it has not sealed yet Milvus 2.3 looks at a share by lists
        of its own, by which half of the best may be missed. Those of other indexes in the
        collection are sealed too.
        """
        with self._speaking():
            self.client.flush(self.name(space), timeout=4 * PATIENCE_S)
            # Of no other version it is known that it tells of this, and a scan loads no index.
            told = self._version < (2, 4) and self.index == "hnsw"
            left = self._unloaded if told else self._pending
            # A million rows take many minutes; others may go on adding there.
            _while_fewer(lambda: left(space), 20 * PATIENCE_S)

    def _pending(self, space: str) -> int:
        """Return of how many sealed rows an index is still to be made."""
        found = self.client.describe_index(self.name(space), "vector", timeout=PATIENCE_S)
        return int((found or {}).get("pending_index_rows", 0))

    def _unloaded(self, space: str) -> int:
        """Return of how many rows no index is looked into.

        Milvus joins segments and indexes them anew as long as it likes; those of before are looked
        into until then.
        """
        kept = self.client.list_persistent_segments(self.name(space), timeout=PATIENCE_S)
        loaded = self.client.list_loaded_segments(self.name(space), timeout=PATIENCE_S)
        wanted = sum(int(one.num_rows) for one in kept if one.num_rows >= _INDEXED)
        return max(0, wanted - sum(int(one.num_rows) for one in loaded if one.index_name))

    # -- asking ---------------------------------------------------------------------------------
    def search(
        self, space: str, data: Sequence[Any], condition: str, limit: int, grouped: bool = False
    ) -> list[list[tuple[int, float]]]:
        """Return for each question the videos of its best rows with their scores, best first.

        With `grouped` each video comes once, by its best row.
        """
        params: dict[str, Any] = {}
        if space != WORDS and self.index == "hnsw":
            params = {"ef": min(32_768, max(200, _MET * limit))}
        with self._speaking():
            found = self.client.search(
                self.name(space),
                data=list(data),
                anns_field="vector",
                filter=f"{self._own}{condition}",
                limit=limit,
                output_fields=["video"],
                search_params={"metric_type": "IP", "params": params},
                consistency_level="Strong",
                timeout=PATIENCE_S,
                **({"group_by_field": "video"} if grouped else {}),
            )
        return [
            [(int(hit["entity"]["video"]), float(hit["distance"])) for hit in one] for one in found
        ]

    def scanned(
        self, space: str, data: Sequence[Any], condition: str, limit: int
    ) -> list[list[tuple[int, float]]]:
        """Return what `search` does, of which nothing is missed."""
        # A share of the videos has about as large a share of the best: mostly this is enough.
        for size in (limit // 4, limit) if limit >= 8 * _SHARES else (limit,):
            of_shares = self._shares(space, data, condition, size)
            answers = list(zip(*of_shares, strict=True))
            merged = [sorted(chain(*one), key=lambda row: -row[1])[:limit] for one in answers]
            if size == limit or all(map(partial(_whole, size, limit), answers, merged)):
                break
        return merged

    def _shares(
        self, space: str, data: Sequence[Any], condition: str, limit: int
    ) -> list[list[list[tuple[int, float]]]]:
        def of(share: int) -> list[list[tuple[int, float]]]:
            own = f"{condition} and video % {_SHARES} == {share}"
            return self.search(space, data, own, limit)

        # Each waits for a tick of the server's clock: together they wait once.
        with ThreadPoolExecutor(_SHARES, "q2e-milvus-share") as pool:
            return list(pool.map(of, range(_SHARES)))

    def held(self, space: str, videos: Sequence[int]) -> list[str]:
        """Return the keys of all rows of videos, each as often as it is there."""
        keys = []
        condition = f"{self._own} and video in [{', '.join(map(str, videos))}]"
        with self._speaking():
            for batch in self._batches(space, condition):
                keys += [str(row["id"]) for row in batch]
        return keys

    def _batches(self, space: str, condition: str) -> Iterator[list[Mapping[str, Any]]]:
        found = self.client.query_iterator(
            *(self.name(space), ROWS, -1, condition, ["id"]),
            consistency_level="Strong",
            timeout=PATIENCE_S,
        )
        try:
            while batch := found.next():
                yield batch
        finally:
            found.close()

    def count(self, space: str, condition: str = "") -> int:
        """Return how many rows of a space the index holds there, of those that satisfy more."""
        if not self.there(space):
            return 0
        with self._speaking():
            found = self.client.query(
                self.name(space),
                filter=f"{self._own}{condition}",
                output_fields=["count(*)"],
                consistency_level="Strong",
                timeout=PATIENCE_S,
            )
        return int(found[0]["count(*)"])

    def rows(self, space: str) -> int:
        """Return about how many rows a space holds there, of all indexes that share it."""
        with self._speaking():
            told = self.client.get_collection_stats(self.name(space), timeout=PATIENCE_S)
        return int(told["row_count"])

    @property
    def _own(self) -> str:
        return f'of == "{self.of}"'


def _whole(
    size: int,
    limit: int,
    shares: Sequence[Sequence[tuple[int, float]]],
    merged: Sequence[tuple[int, float]],
) -> bool:
    """Return whether no share of `size` rows at most can hold back one of the best `limit`."""
    last = merged[-1][1] if len(merged) == limit else -math.inf
    return all(len(one) < size or one[-1][1] <= last for one in shares)


def _while_fewer(left: Callable[[], int], patience_s: float) -> None:
    """Wait until nothing is left, or as long as fewer are left than `patience_s` before."""
    fewest, end = left(), time.monotonic() + patience_s
    while fewest and time.monotonic() < end:
        time.sleep(0.5)
        if (now := left()) < fewest:
            fewest, end = now, time.monotonic() + patience_s


def conditions(filters: Filters) -> str:
    """Return what filters ask of rows, each after an `and`; channels and named videos apart."""
    found = []
    for names, word in ((filters.languages, "in"), (filters.without_languages, "not in")):
        if names:
            found.append(f"language {word} {_listed(map(short, names))}")
    if filters.since:
        found.append(f"date >= {_quoted(filters.since)}")
    if filters.until:
        # As long as it is: 2012-05-30 is within 2012-05.
        found.append(f'date != "" and date <= {_quoted(filters.until + "~")}')
    for tag in filters.tags:
        found.append(f"array_contains(tags, {_quoted(tag_key(tag))})")
    for tag in filters.without_tags:
        found.append(f"not array_contains(tags, {_quoted(tag_key(tag))})")
    for sign, limit in ((">=", filters.shortest_s), ("<=", filters.longest_s)):
        if limit is not None:
            found.append(f"duration_s {sign} {float(limit)!r}")
    return "".join(f" and ({one})" for one in found)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _listed(texts: Any) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"
