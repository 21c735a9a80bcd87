#!/bin/sh
# banned.sh [ROOT]: no source of plugin/ calls a function that CONTRIBUTING.md bans there. Comments, literals and
# members of that name (ops->exit) do not count; symbols.sh finds what hides behind a macro or a pointer.
# Not looked at: unit tests (x_test.c), their helpers (x_testing.h), and the program that runs in the sandbox
# (plugin/runner/supervisor…).
. "$(dirname "$0")/lib.sh"

root=${1:-$top}
banned_functions >"$scratch/banned"
[ "$(wc -l <"$scratch/banned")" -ge 20 ] || problem "cannot find the list of banned functions in CONTRIBUTING.md"

sources() {
    find_files "$root/plugin" '*.c' '*.h' | grep -v -E '_test\.c$|_testing\.h$|/runner/supervisor'
}

# calls FILE: each call of a banned function in it.
calls() {
    strip_c "$1" | awk -v file="${1#"$root"/}" '
        NR == FNR { banned[$1] = 1; next }
        {
            rest = $0
            while (match(rest, /[A-Za-z_][A-Za-z0-9_]*/)) {
                before = substr(rest, 1, RSTART - 1)
                word = substr(rest, RSTART, RLENGTH)
                rest = substr(rest, RSTART + RLENGTH)
                if (word in banned && rest ~ /^[ \t]*\(/ && before !~ /(\.|->)[ \t]*$/)
                    print file ":" FNR ": calls " word
            }
        }' "$2" -
}

sources | while read -r source; do
    case $source in
    */config_env.c) calls "$source" "$scratch/banned" ;;
    *) { cat "$scratch/banned"; echo getenv; } >"$scratch/here"; calls "$source" "$scratch/here" ;;
    esac
done | problems
finish
