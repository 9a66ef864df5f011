#!/bin/sh
# Builds the wheel, installs it into an empty environment, and uses it away from the repository,
# with a plugin installed beside it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
PYTHON=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$PYTHON" -m venv "$work/build"
"$work/build/bin/python" -m pip install --quiet build
"$work/build/bin/python" -m build --wheel --outdir "$work/dist" "$root" >"$work/log" 2>&1 ||
	{ cat "$work/log" >&2; exit 1; }
"$PYTHON" -m venv "$work/use"
"$work/use/bin/python" -m pip install --quiet "$(ls "$work"/dist/*.whl)[local,server]"
cd "$work"
"$work/use/bin/q2e" index "$root/samples/clips/reel-01.mp4" --index try.q2e
"$work/use/bin/q2e" search "a video" --index try.q2e --set confidence=0 --json >found.json
grep -q reel-01 found.json
# A plugin is found by its entry point in an environment that knows nothing of the repository.
"$work/use/bin/python" -m pip install --quiet "$root/examples/plugin-fusion"
"$work/use/bin/q2e" search "a video" --index try.q2e --set confidence=0 --json \
	--fuse "borda(power=2)" >found.json
grep -q reel-01 found.json
"$work/use/bin/q2e" methods borda | grep -q Borda
echo "the wheel works: $(ls dist)"
