#!/bin/sh
# docs.sh [ROOT]: the words and the headers agree. Every type, function slot and macro of eep.h and of the extensions
# has a comment beside it or is named in abi/README.md; the error table is complete; nothing that README.md names is
# gone from the headers; its programs compile; the newest entry of CHANGES.md is the version of eep.h; every relative
# link of every *.md leads somewhere.
. "$(dirname "$0")/lib.sh"

root=${1:-$top}
header=$root/abi/eep.h
extensions=$(find_files "$root/abi/ext" '*.h')
readme=$root/abi/README.md
changes=$root/abi/CHANGES.md

# read_header FILE: its code and its comments.
read_header() {
    strip_c "$1" >"$scratch/code"
    comments_of "$1" >"$scratch/comments"
}

# public_names: "line name" of each type, slot and macro; the line is where its declaration begins.
public_names() {
    awk '
        /^#define EEP_/ && NF > 2 { print FNR, $2 }
        /^typedef struct / { name = $3; sub(/;/, "", name); print FNR, name; table = name ~ /^eep_(plugin|.*_table)$/ }
        /^typedef .*\(\*/ { match($0, /\(\*[a-z0-9_]+\)/); print FNR, substr($0, RSTART + 2, RLENGTH - 3) }
        table && /\(\*/ { match($0, /\(\*[a-z0-9_]+\)/); print FNR, substr($0, RSTART + 2, RLENGTH - 3) }
        /^}/ { table = 0 }' "$scratch/code"
}

# undocumented HEADER: of those, the ones with neither a comment on their line, nor one that ends just above, nor a
# word in README.md.
undocumented() {
    awk -v header="$(basename "$1")" '
        FILENAME == ARGV[1] { commented[FNR] = /[^ ]/; next }
        FILENAME == ARGV[2] { gsub(/[^A-Za-z0-9_]+/, " "); n = split($0, w, " "); for (i = 1; i <= n; i++) named[w[i]] = 1; next }
        !commented[$1] && !commented[$1 - 1] && !($2 in named) { print header ":" $1 ": " $2 " has no comment and is not in README.md" }
    ' "$scratch/comments" "$readme" -
}

# Rows of the form "| `EEP_E_…` | number |" against the header, both ways.
error_table() {
    awk '/^#define EEP_(OK|E_)/ { print $2, $3 }' "$scratch/code" | sort >"$scratch/codes"
    sed -n 's/^| `\(EEP_OK\|EEP_E_[A-Z_]*\)` *| *\([0-9]*\) *|.*/\1 \2/p' "$readme" | sort >"$scratch/rows"
    comm -23 "$scratch/codes" "$scratch/rows" | sed 's/$/: not in the error table of README.md/'
    comm -13 "$scratch/codes" "$scratch/rows" | sed 's/$/: in the error table of README.md, not in eep.h/'
}

# Names that README.md gives as code must exist: EEP_… macros (or prefixes of them that end in _), eep_… types,
# and eep_type.field.
stale_names() {
    {
        for file in "$header" $extensions; do strip_c "$file" | awk -f "$here/fields.awk"; done |
            sed -n -e 's/^[A-Z]*(\([A-Za-z0-9_]*\)).*/\1/p' -e 's/^TYPE(\([a-z0-9_]*\),.*/\1/p' \
                -e 's/^FIELD(\([a-z_]*\), \([a-z0-9_]*\),.*/\1.\2/p'
        printf '%s\n' eep_env eep_cancel eep_plugin_v1
    } | sort -u >"$scratch/known"
    grep -o '`[^`]*`' "$readme" | grep -o -E '(EEP_[A-Z0-9_]+|eep_[a-z0-9_]+(\.[a-z_]+)*)' | sort -u | awk '
        NR == FNR { known[$1] = 1; next }
        $1 in known { next }
        /_$/ { for (k in known) if (index(k, $1) == 1) next }
        # head.flags and the like: each step is a field of the type of the one before.
        /\.head\./ { type = $1; sub(/\..*/, "", type); if ((type ".head") in known) next }
        { print "README.md names " $1 ", which no header has" }' "$scratch/known" -
}

# Rows "| H12 |" of the paper test are numbered without a gap.
row_numbers() {
    sed -n 's/^| \([A-Z]\)\([0-9][0-9]*\) |.*/\1 \2/p' "$readme" | awk '
        $2 != ++last[$1] { print "paper test: row " $1 $2 " where " $1 last[$1] " is due"; last[$1] = $2 }'
}

# The programs in README.md (C blocks that begin with an #include) compile.
sample_programs() {
    awk -v into="$scratch/sample" '
        /^```c$/ { n++; on = 1; next }
        /^```/   { on = 0 }
        on       { print > (into n ".c") }' "$readme"
    for sample in "$scratch"/sample*.c; do
        [ -e "$sample" ] && grep -q -m 1 '^#include' "$sample" || continue
        "${CC:-cc}" -std=c11 -Wall -Wextra -Werror -fsyntax-only -I"$root/abi" "$sample" 2>"$scratch/why" ||
            echo "a program in README.md does not compile: $(grep -m 1 error "$scratch/why" | sed 's/.*error: //')"
    done
}

newest_change() {
    version=$(sed -n '1s/.*version \([^ ]*\)\.$/\1/p' "$header")
    grep -m 1 '^## ' "$changes" | grep -q "^## $version\( \|\$\)" ||
        echo "the newest entry of CHANGES.md is not \"## $version\", the version of eep.h"
}

# anchors FILE: the names of its headings, as the usual renderers make them.
anchors() {
    awk '/^```/ { code = !code } !code && /^#+ / { sub(/^#+ +/, ""); print }' "$1" | tr '[:upper:]' '[:lower:]' |
        sed -e 's/[^a-z0-9 _-]//g' -e 's/ /-/g'
}

# links FILE: the targets of its links, without those in code.
links() {
    awk '/^ *```/ { code = !code; next } !code' "$1" | sed 's/`[^`]*`//g' |
        awk '{
            while (match($0, /\]\([^) ]+/)) { print substr($0, RSTART + 2, RLENGTH - 2); $0 = substr($0, RSTART + RLENGTH) }
            if (match($0, /^\[[^]]+\]: *[^ ]+/)) { sub(/^\[[^]]+\]: */, ""); print $1 }
        }'
}

dead_links() {
    find_files "$root" '*.md' | while read -r page; do
        links "$page" | grep -v -E '^[a-z][a-z0-9+.-]*:' | while read -r target; do
            file=${target%%#*}
            path=$(dirname "$page")/$file
            [ -n "$file" ] || path=$page
            [ -e "$path" ] || { echo "${page#"$root"/}: dead link $target"; continue; }
            case $target in *.md\#* | \#*) ;; *) continue ;; esac
            anchors "$path" | grep -qxF -e "${target#*#}" || echo "${page#"$root"/}: no such heading: $target"
        done
    done
}

for file in "$header" "$readme" "$changes"; do [ -s "$file" ] || problem "no ${file#"$root"/}"; done
[ -s "$scratch/problems" ] && finish
for file in $extensions "$header"; do
    read_header "$file"
    public_names >"$scratch/names"
    undocumented "$file" <"$scratch/names" | problems
done
[ "$(wc -l <"$scratch/names")" -gt 50 ] || problem "found hardly any public name in eep.h"
error_table | problems
stale_names | problems
row_numbers | problems
sample_programs | problems
newest_change | problems
dead_links | problems
finish
