#!/bin/sh
# sizes.sh [ROOT]: in plugin/ and hosts/ no file passes 700 lines and no C function 60 lines; the ten longest
# functions are printed. A function is what make format makes of it: its first line and its braces in column 0.
. "$(dirname "$0")/lib.sh"

root=${1:-$top}
file_limit=700
function_limit=60

files() {
    for part in plugin hosts; do find_files "$root/$part" "$@"; done
}

# "lines path:line name" of each function; the lines between its braces count.
functions() {
    files '*.c' | while read -r source; do
        strip_c "$source" | awk -v file="${source#"$root"/}" '
            /^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[^A-Za-z0-9_]/, "", name); line = FNR }
            /^\{[ \t]*$/     { open = FNR }
            /^\}[ \t]*$/ && open { print FNR - open - 1, file ":" line, name; open = 0 }'
    done
}

files '*.c' '*.h' '*.sh' '*.py' '*.js' '*.mjs' '*.cjs' '*.ts' '*.go' '*.rs' | while read -r source; do
    lines=$(wc -l <"$source")
    [ "$lines" -le $file_limit ] || printf '%s has %d lines: it is two concepts\n' "${source#"$root"/}" "$lines"
done | problems

functions | sort -rn >"$scratch/functions"
sed -n 1,10p "$scratch/functions" | while read -r lines place name; do note "$lines lines: $name ($place)"; done
awk -v limit=$function_limit '$1 > limit { print $2 ": " $3 " has " $1 " lines, more than " limit }' \
    "$scratch/functions" | problems
finish
