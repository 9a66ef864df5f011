"""Reading on many machines, as a choice; how it is done is in `q2e.ingest.cluster`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from q2e.ingest.cluster import OnRay
from q2e.ingest.executors.base import Executor
from q2e.ingest.staging import shared_place
from q2e.registry import method
from q2e.settings import Settings


def _cluster(value: str) -> str:
    if not re.fullmatch(r"|auto|(ray://)?[\w.\[\]:-]+:\d+", value):
        raise ValueError("must be  ray://HOST:PORT,  HOST:PORT,  auto  or nothing")
    return value


@method("executor", needs=("ray",))
def ray(
    settings: Settings,
    index: Path,
    older: Path | None,
    within: Sequence[Path] | None,
    *,
    address: Annotated[
        str,
        Field(description="The cluster, as ray://HOST:10001; nothing begins one on this machine."),
        AfterValidator(_cluster),
    ] = "",
    staging: Annotated[
        str,
        Field(
            description="Where workers put what they read: a folder that all machines share, or "
            "s3://BUCKET/FOLDER; nothing means `staged` in the index."
        ),
        AfterValidator(shared_place),
    ] = "",
    workers: Annotated[
        int,
        Field(ge=0, le=100_000, description="Workers; 0 for as many as the cluster holds."),
    ] = 0,
    cpus: Annotated[float, Field(gt=0, le=1_000, description="Processors of one worker.")] = 1.0,
    gpus: Annotated[
        float, Field(ge=0, le=64, description="GPUs of a worker, or parts of one.")
    ] = 0.0,
) -> Executor:
    """Workers on the machines of a Ray cluster, each holding models, staging what they read.

    What an older generation has is not taken over: workers see no index. They must have this
    version of q2e, its models and the same settings, or are refused.
    """
    share = {"CPU": cpus, "GPU": gpus}
    return OnRay(settings, index, within, address, staging, workers, share)
