#!/bin/sh
# header_standalone.sh [HEADER]: eep.h, and each header of an extension, compiles alone and twice over, without a
# warning, in every C and C++ that a host may be written in; and refuses a 32-bit target by the #error of eep.h.
. "$(dirname "$0")/lib.sh"

warnings="-pedantic -Wall -Wextra -Wconversion -Wshadow -Wundef -Wpadded -Werror"
c_warnings="$warnings -Wstrict-prototypes -Wmissing-prototypes -Wc++-compat"
cxx_warnings="$warnings -Wold-style-cast -Wzero-as-null-pointer-constant"

# The include is first and repeated; the sizes make clang lay the structs out, so that -Wpadded can speak.
write_user() {
    printf '#include "%s"\n#include "%s"\n' "$(basename "$header")" "$(basename "$header")"
    strip_c "$header" | awk '/^typedef struct [a-z0-9_]+ \{/ {
        printf "size_t size_of_%s(void);\nsize_t size_of_%s(void) { return sizeof(%s); }\n", $3, $3, $3 }'
}

# compile LANGUAGE STANDARD COMPILER FLAG…
compile() {
    language=$1 standard=$2 compiler=$3
    shift 3
    "$compiler" -x "$language" -std="$standard" "$@" -I"$(dirname "$header")" -c -o /dev/null "$scratch/user.c" \
        2>"$scratch/why" && return
    problem "$compiler -std=$standard: $(grep -m 1 -E 'error|warning' "$scratch/why")"
}

refuses_32_bits() {
    "$1" -x c -m32 -ffreestanding -fsyntax-only -I"$(dirname "$header")" "$scratch/user.c" 2>"$scratch/why" &&
        problem "$1 -m32 takes the header"
    grep -q 'only 64-bit' "$scratch/why" || problem "$1 -m32: not the #error of the header"
}

stands_alone() {
    write_user >"$scratch/user.c"
    [ "$(grep -c sizeof "$scratch/user.c")" -gt "$1" ] || problem "found hardly any struct in $header"
    for compiler in gcc clang; do
        have $compiler || continue
        for standard in c99 c11 c17 c2x; do compile c $standard $compiler $c_warnings; done
        refuses_32_bits $compiler
    done
    for compiler in g++ clang++; do
        have $compiler || continue
        for standard in c++11 c++14 c++17 c++20; do compile c++ $standard $compiler $cxx_warnings; done
    done
}

header=${1:-$top/abi/eep.h}
stands_alone 10
[ $# -gt 0 ] || for header in "$top"/abi/ext/*.h; do stands_alone 1; done
finish
