#!/bin/sh
# Installs the Debian packages named, or says the command where that is not possible here.
#   sh scripts/system.sh chromium tesseract-ocr
# Nothing fails for want of them: tests that need one are skipped and name it.
set -eu

missing=
for package in "$@"; do
    state=$(dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null || true)
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "not installed:$missing (this system has no apt-get; its own packages do as well)" >&2
elif [ "$(id -u)" != 0 ]; then
    echo "not installed, since that needs root:  sudo apt-get install$missing" >&2
else
    # Twice quiet: what is said then is what went wrong.
    export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
    apt-get -qq update || true
    for package in $missing; do
        # One by one: a name that this release does not know keeps no other away.
        apt-get -qq -o DPkg::Lock::Timeout=120 install --yes --no-install-recommends "$package" \
            >/dev/null || echo "not installed: apt-get failed for $package" >&2
    done
fi
