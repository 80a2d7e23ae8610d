#!/bin/sh
# Reports as a pipeline uses them: all formats of one run read as their readers do, made again from the stored
# result, compared with a later run; and the pieces in ci/ that users copy. Usage: reports.sh AMTLAB SOURCE
set -eu
amtlab=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() {
    echo "reports.sh: $1"
    tail -30 out.txt 2>/dev/null || true
    exit 1
}
expect() { # exit code, command
    wanted=$1
    shift
    code=0
    "$@" >out.txt 2>err.txt || code=$?
    [ "$code" = "$wanted" ] || { cat err.txt; fail "exit code $code instead of $wanted: $*"; }
}
says() {
    grep -q -- "$1" out.txt || fail "the output has no \"$1\""
}
scenario() { # file, number that the check refuses
    cat >"suite/$1.yaml" <<YAML
amtlab: 1
name: $1, a scenario of the tests
spec: [{ id: APF-MPS-021, level: must }]
matrix: { n: [1, 2, 3, 4] }
actors: { mps: { kind: mps } }
steps: [{ check: { n: { ne: $2 } } }]
YAML
}

# every format of a run with failures in two files
mkdir suite
for file in one two; do scenario "$file" 3; done
scenario three 9
list=json=out/results.json,jsonl=out/r.jsonl,junit=out/r.xml,sarif=out/r.sarif,html=out/r.html,md=out/r.md
list=$list,tap=out/r.tap,txt=out/r.txt,badge=out/badge.json,badge=out/badge.svg
expect 1 "$amtlab" run suite --quiet --report "$list,github=-"
grep '^::' out.txt >out/annotations.txt
python3 "$source/cli/tests/check_reports.py" out
echo "formats of a run: ok"

# the same from the stored result, byte for byte
expect 0 "$amtlab" report out/results.json --report \
    jsonl=again/r.jsonl,junit=again/r.xml,sarif=again/r.sarif,html=again/r.html,badge=again/badge.svg
for file in r.jsonl r.xml r.sarif r.html badge.svg; do
    cmp "out/$file" "again/$file" || fail "$file made again differs"
done
expect 0 "$amtlab" report out/results.json --report sarif=-
cmp out.txt out/r.sarif || fail "standard output is another report"
expect 2 "$amtlab" report out/results.json --report pdf=x
expect 3 "$amtlab" report out/r.xml
expect 4 "$amtlab" report out/nothing.json
echo "made again: ok"

# lines as the cases end
expect 1 "$amtlab" run suite --format jsonl
[ "$(grep -c '"type":"case"' out.txt)" = 12 ] || fail "not a line for each case"
head -1 out.txt | grep -q '"type":"run"' || fail "the first line is not the run"
tail -1 out.txt | grep -q '"bad":2' || fail "the last line has no totals"
echo "a line a case: ok"

# what changed
scenario two 9
scenario three 2
mv suite/one.yaml suite/other.yaml
expect 1 "$amtlab" run suite --quiet --report json=later.json
expect 1 "$amtlab" report diff out/results.json later.json
says '^Fails now, did not before:'
says 'three#n=2  passed -> failed'
says 'two#n=3  failed -> passed'
says '^New, and fails:'
expect 0 "$amtlab" report diff later.json later.json
says '0 worse, 0 better'
expect 2 "$amtlab" report diff later.json
expect 3 "$amtlab" report diff later.json out/r.xml
echo "diff: ok"

# the pieces that users copy
python3 "$source/cli/tests/pipeline_pieces.py" "$source" >action.sh
echo "before" >summary.md
export GITHUB_ACTION_PATH="$source/ci/github" GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY="$work/summary.md" \
    GITHUB_OUTPUT="$work/outputs" AMTLAB="$amtlab" AMTLAB_SUITE=suite AMTLAB_OUT="folder with space" \
    AMTLAB_TARGET= AMTLAB_ARGS="--quiet
--var
note=it's \$HOME; \`id\`"
expect 1 bash -e action.sh
says '^::error file='
says '^amtlab: exit 1, reports in folder with space'
grep -q '^before' summary.md && grep -q '## amtlab: failed' summary.md || fail "the step's summary"
grep -q '^status=1' outputs || fail "the step's outputs"
for file in results.json junit.xml report.html amtlab.sarif badge.svg summary.md results.jsonl; do
    [ -s "folder with space/$file" ] || fail "no $file"
done
unset GITHUB_ACTIONS GITHUB_STEP_SUMMARY GITHUB_OUTPUT
AMTLAB=/nowhere/amtlab expect 4 "$source/ci/run-suite"
AMTLAB_ARGS="--tag
none-of-them" expect 5 "$source/ci/run-suite"
echo "pipeline pieces: ok"
