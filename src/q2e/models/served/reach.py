"""Whether a server of models answers at all; what it answers is another matter."""

from __future__ import annotations


def unreachable(url: str, timeout_s: float = 2.0) -> str:
    """Return why nothing answers at `url`, or nothing where something does.

    Any answer counts, a refusal too: no key is sent.
    """
    import httpx

    try:
        httpx.get(f"{url.rstrip('/')}/models", timeout=timeout_s)
    except httpx.TimeoutException:
        return f"no answer within {timeout_s:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return str(error) or type(error).__name__
    return ""
