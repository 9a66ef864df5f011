#!/bin/sh
# Indexes the samples and asks five questions; or, with VIDEOS and Q, your folder and question.
#   sh scripts/demo.sh path/to/q2e
set -eu
q2e=$1

# Exit code 1 means that some file could not be read; the others can be searched all the same.
index() {
    "$q2e" index "$1" --index "$2" || [ $? -eq 1 ]
}

# And here that nothing was found.
search() {
    "$q2e" search "$@" || [ $? -eq 1 ]
}

ask() {
    printf '\n[%s] %s\n' "$2" "$3"
    search "$3" --index "$1" --top 2
}

if [ -n "${VIDEOS:-}" ]; then
    where=demo-index/own-$(printf '%s' "$VIDEOS" | cksum | cut -d ' ' -f 1)
    index "$VIDEOS" "$where"
    search "${Q:-people}" --index "$where"
    exit
fi

index samples/manifest.csv demo-index/samples
if [ -n "${Q:-}" ]; then
    search "$Q" --index demo-index/samples
    exit
fi
ask demo-index/samples "English" "weasels have eaten the telephone system"  # is said
ask demo-index/samples "Spanish" "oso polar"                                # is seen
ask demo-index/samples "Chinese" "颐和园的花展"                             # is written
ask demo-index/samples "Arabic" "جميع الموظفين مشغولون، الرجاء الانتظار"    # is said, in Spanish
ask demo-index/samples "Russian" "женщина, которая пилотировала шаттл"      # is known, in English
