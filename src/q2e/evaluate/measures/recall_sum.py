"""The sum that video papers print."""

from __future__ import annotations

from q2e.evaluate.measures.base import Judged
from q2e.evaluate.measures.success import success
from q2e.registry import method


@method("measure", "RSum")
def recall_sum(judged: Judged) -> float:
    """Success@1 + @5 + @10, the R@k of video papers; 0 to 3 here, 0 to 300 in papers."""
    return sum(success(judged, cutoff=cut) for cut in (1, 5, 10))
