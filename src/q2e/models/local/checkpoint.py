"""Reads the tensors of a PyTorch checkpoint without PyTorch and without running what it says.

Two serialisations are read. Before PyTorch 1.6 a file was five pickles (magic number, protocol,
system, the object, the keys of its storages), then every storage as a count and raw numbers.
Since then it is a zip archive of one pickle and a file of raw numbers for each storage.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from q2e.errors import ModelError

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_STORAGES = {
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "DoubleStorage": np.dtype("<f8"),
    "IntStorage": np.dtype("<i4"),
    "LongStorage": np.dtype("<i8"),
}

Tensor = NDArray[Any]


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the arrays of a checkpoint by name.

    Raises ModelError where the file is not such a checkpoint or asks for anything but tensors.
    """
    try:
        if zipfile.is_zipfile(path):
            return _read_zipped(path)
        return _read(io.BytesIO(path.read_bytes()))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:
        # A hostile pickle makes its reader raise whatever it likes.
        raise ModelError(
            f"{path.name} is not a plain PyTorch checkpoint ({error}): reinstall the package it "
            "came with"
        ) from error


def _read(file: IO[bytes]) -> dict[str, Tensor]:
    if _Plain(file).load() != _MAGIC or _Plain(file).load() != _PROTOCOL:
        raise ValueError("wrong magic number or protocol")
    if not _Plain(file).load()["little_endian"]:
        raise ValueError("big-endian numbers")
    tensors = _Tensors(file)
    named = tensors.load()
    for key in _Plain(file).load():
        storage = tensors.storages[key]
        (count,) = np.frombuffer(file.read(8), "<i8")
        if count != len(storage):
            raise ValueError(f"storage {key} holds {count} numbers, {len(storage)} were declared")
        storage[:] = np.frombuffer(file.read(int(count) * storage.itemsize), storage.dtype)
    return dict(named)


def _read_zipped(path: Path) -> dict[str, Tensor]:
    with zipfile.ZipFile(path) as archive:
        (listing,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = listing.removesuffix("data.pkl")
        with archive.open(listing) as file:
            tensors = _Tensors(file)
            named = tensors.load()
        for key, storage in tensors.storages.items():
            listed = archive.getinfo(f"{folder}data/{key}")
            if listed.file_size != storage.nbytes:
                raise ValueError(
                    f"storage {key} holds {listed.file_size} bytes, not {storage.nbytes}"
                )
            storage[:] = np.frombuffer(archive.read(listed), storage.dtype)
    # A checkpoint of training keeps the weights beside other things.
    named = named.get("state_dict", named)
    return {name.removeprefix("module."): value for name, value in named.items()}


class _Plain(pickle.Unpickler):
    """Loads numbers, texts, lists and dicts; refuses every name."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


class _Tensors(_Plain):
    """Loads a dict of tensors as views of storages that are filled afterwards."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, _location, count, *more = pid
        view = more[0] if more else None
        if kind != "storage" or view is not None or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"{kind!r} is not a plain storage")
        return self.storages.setdefault(key, np.zeros(count, dtype))


def _tensor(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> Tensor:
    if any(step < 0 for step in stride):
        raise pickle.UnpicklingError(f"a tensor with strides {stride}")
    # numpy refuses a view that would leave its buffer.
    width = storage.itemsize
    strides = tuple(step * width for step in stride)
    return np.ndarray(size, storage.dtype, storage.data, offset * width, strides)
