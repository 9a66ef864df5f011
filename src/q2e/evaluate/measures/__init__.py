"""How good a ranking is: measures over the ranks of a query's relevant items, one file a family.

Every measure is computed from the ranks (`Judged`), so runs and matrices share one definition.
Values are fractions: 0.48 is what papers print as 48.0.

Naming trap: video papers write R@k for the share of queries with a relevant item among the
first k. That is `Success@k` here; `R@k` is true recall, the share of a query's relevant items
found. With one relevant item a query they are equal.
"""

from q2e.evaluate.measures.base import Judged, Measure, parse_measures

__all__ = ["Judged", "Measure", "parse_measures"]
