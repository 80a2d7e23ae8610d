#!/bin/sh
# Every row of activation.md 10 has a scenario that expects its code: activation_rows.sh HEADER FOLDER
# The rows are those of enum activation_failure.
set -eu
header=$1 folder=$2
rows=$(sed -n 's/^ *ACT_F_[A-Z0-9_]* = \([0-9]*\),$/\1/p' "$header")
[ "$(printf '%s\n' "$rows" | wc -l)" -ge 60 ] || { echo "$header: the rows cannot be read"; exit 1; }
missing=0
for row in $rows; do
    code=$(printf 'ACT-F-%02d' "$row")
    # An expectation or a check; tags, names and comments do not count.
    if ! grep -rhsE "(expect|check): .*code: $code\b" "$folder" >/dev/null; then
        echo "$code: no scenario in $folder expects it"
        missing=$((missing + 1))
    fi
done
[ "$missing" = 0 ] && echo "activation failures: every row has a scenario"
exit "$missing"
