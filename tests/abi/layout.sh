#!/bin/sh
# layout.sh: the binary layout of eep.h is the one in layout.golden, and that of ext/NAME.h the one in
# layout.NAME.golden, by every compiler and in C++ too, and a growth of every layout that was ever frozen
# (abi/frozen/1.N/).
#
#     layout.sh [check [HEADER [GOLDEN]]]
#     layout.sh print [HEADER]
#     layout.sh update                    after a wanted change: writes the golden files
#     layout.sh append-only OLD NEW       may NEW follow OLD as a minor version?
. "$(dirname "$0")/lib.sh"

# golden_of HEADER
golden_of() {
    name=$(basename "$1" .h)
    [ "$name" = eep ] && echo "$here/layout.golden" || echo "$here/layout.$name.golden"
}

# table HEADER: makes layout_fields.h, and checks that no struct and no macro got lost on the way.
table() {
    strip_c "$1" >"$scratch/code"
    awk -f "$here/fields.awk" "$scratch/code" >"$scratch/layout_fields.h" 2>"$scratch/why" ||
        { problem "cannot read $1: $(cat "$scratch/why")"; return 1; }
    structs=$(grep -c 'struct.*{' "$scratch/code")
    listed=$(grep -c '^STRUCT' "$scratch/layout_fields.h")
    [ "$structs" -eq "$listed" ] || problem "$1 has $structs structs, the table $listed"
}

# build COMPILER LANGUAGE HEADER
build() {
    "$1" -x "$2" -I"$scratch" -I"$(dirname "$3")" -DLAYOUT_HEADER="\"$(basename "$3")\"" -DLAYOUT_GOLDEN='""' \
        -o "$scratch/layout" "$here/layout_test.c" 2>"$scratch/why"
}

check_compiler() {
    have "$1" || return 0
    build "$1" "$2" "$3" || { problem "$1 cannot build the layout as $2: $(sed -n 1p "$scratch/why")"; return 0; }
    "$scratch/layout" "$4" >"$scratch/said" || problem "$1 as $2: $(tail -n 1 "$scratch/said")"
}

check_frozen() {
    for frozen in "$top"/abi/frozen/*/"$(basename "$1")"; do
        [ -e "$frozen" ] || continue
        awk -f "$here/append_only.awk" "$frozen" "$1" | sed "s|^|since $(basename "$(dirname "$frozen")"): |" | problems
    done
}

check() {
    table "$1" || finish
    for compiler in gcc clang; do check_compiler $compiler c "$1" "$2"; done
    for compiler in g++ clang++; do check_compiler $compiler c++ "$1" "$2"; done
    check_frozen "$2"
}

check_all() {
    for header in "$top/abi/eep.h" "$top"/abi/ext/*.h; do check "$header" "$(golden_of "$header")"; done
}

print() {
    table "$1" && build "${CC:-cc}" c "$1" && "$scratch/layout" --print && return
    cat "$scratch/why" >&2
    finish
}

update() {
    for header in "$top/abi/eep.h" "$top"/abi/ext/*.h; do
        print "$header" >"$scratch/new" && cp "$scratch/new" "$(golden_of "$header")" || exit 1
    done
}

case ${1:-check} in
check)
    [ $# -gt 1 ] && check "$2" "${3:-$(golden_of "$2")}" || check_all
    finish
    ;;
print) print "${2:-$top/abi/eep.h}" ;;
update) update ;;
append-only) awk -f "$here/append_only.awk" "$2" "$3" | problems; finish ;;
*) sed -n '2,8p' "$0"; exit 2 ;;
esac
