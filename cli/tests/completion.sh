#!/bin/bash
# completion.sh AMTLAB: the bash script offers commands, options, their words, scenarios.
set -eu
amtlab=$1
cd "$(dirname "$0")/../.."
PATH=$(dirname "$amtlab"):$PATH
"$amtlab" completion zsh | grep -q "^#compdef amtlab"
"$amtlab" completion fish | grep -q "__fish_seen_subcommand_from run' -l target"
if "$amtlab" completion tcsh 2>/dev/null; then echo "tcsh?" && exit 1; fi
for shell in zsh fish; do # their own word on the syntax, where they are installed
    if command -v $shell >/dev/null; then "$amtlab" completion $shell | $shell -n /dev/stdin; fi
done
eval "$("$amtlab" completion bash)"
offers() { # WANTED WORD...: completing the last word offers WANTED
    local wanted=$1
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    COMPREPLY=()
    _amtlab || true
    case " ${COMPREPLY[*]} " in
    *" $wanted "*) ;;
    *) echo "completing '$*' offers: ${COMPREPLY[*]}, wanted $wanted" && exit 1 ;;
    esac
}
offers validate amtlab va
offers --target amtlab run --tar
offers virtual amtlab run --clock v
offers basic/first-contact amtlab explain basic/f
offers README.md amtlab decode READ
offers bash amtlab completion b
