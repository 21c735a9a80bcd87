#!/bin/sh
# gates_selftest.sh: each gate lets good things pass and catches what it is there for. A gate that cannot fail is
# worth nothing, so each has here what it must catch: planted in copies, never in the tree.
. "$(dirname "$0")/lib.sh"

cases=0

# passes NAME COMMAND…
passes() {
    name=$1
    shift
    cases=$((cases + 1))
    "$@" >"$scratch/said" 2>&1 || problem "$name: should pass: $(tail -n 1 "$scratch/said")"
}

# catches NAME TEXT COMMAND…: fails, and says TEXT.
catches() {
    name=$1 text=$2
    shift 2
    cases=$((cases + 1))
    "$@" >"$scratch/said" 2>&1 && { problem "$name: not caught"; return; }
    grep -qF -e "$text" "$scratch/said" || problem "$name: caught, but for another reason: $(tail -n 1 "$scratch/said")"
}

# Declarations that use each form of eep.h once. Faults are planted in them, so that the cases do not hang on what
# eep.h has at present.
sample_declarations() {
    cat <<'END'
#define EEP_E_SAMPLE_ONE 9001
#define EEP_E_SAMPLE_TWO 9002
#define EEP_OPEN_SAMPLE 0x40000000u

typedef struct eep_sample_element {
    uint32_t kind;
    uint32_t mode;
    eep_str text;
} eep_sample_element;

typedef struct eep_sample_request {
    uint32_t struct_size;
    uint32_t size_of_nothing;
    eep_str text;
} eep_sample_request;

typedef struct eep_sample {
    eep_out head;
    uint32_t first;
    int32_t second;
    const eep_sample_element *elements;
    uint32_t element_count;
    uint32_t element_stride;
    eep_str name;
    uint32_t last;
    uint32_t reserved;
} eep_sample;

typedef void (*eep_sample_fn)(eep_env *env, uint32_t what);
int32_t eep_sample_do(void);

END
}

# make_base: $scratch/base.h is eep.h, of a minor of its own, with the sample before its end.
make_base() {
    sample_declarations >"$scratch/sample.h"
    end=$(grep -n '^#ifdef __cplusplus' "$top/abi/eep.h" | tail -n 1 | cut -d: -f1)
    [ -n "$end" ] || problem 'cannot find the end of the declarations of eep.h'
    sed -e 's/^\(#define EEP_ABI_MINOR\) .*/\1 700u/' -e "$((${end:-1} - 1))r $scratch/sample.h" "$top/abi/eep.h" \
        >"$scratch/base.h"
}

# planted SED-SCRIPT: a copy of base.h with a fault. Fails if the script changes nothing.
planted() {
    sed "$1" "$scratch/base.h" >"$scratch/eep.h"
    cmp -s "$scratch/eep.h" "$scratch/base.h" && problem "the plant changes nothing: $1"
    echo "$scratch/eep.h"
}

header_gates() {
    alone=$here/header_standalone.sh
    passes  'a good header alone'                 "$alone" "$scratch/base.h"
    catches 'missing include'  'gcc -std=c99'     "$alone" "$(planted '/include <stdint.h>/d')"
    catches 'no include guard' 'gcc -std=c99'     "$alone" "$(planted 's/^#ifndef EEP_H/#if 1/')"
    catches 'padding'          'clang -std=c11'   "$alone" "$(planted '/^} eep_sample;/i\    uint32_t more;')"
    catches 'C only'           'g++ -std=c++11'   "$alone" "$(planted 's/int32_t second;/int32_t namespace;/')"
    catches 'too new for C++'  'g++ -std=c++20'   "$alone" "$(planted '/^} eep_sample;/i\    const char *restrict old;')"
    catches 'old prototype'    'gcc -std=c11'     "$alone" "$(planted 's/eep_sample_do(void);/eep_sample_do();/')"
    catches '32 bits taken'    '-m32'             "$alone" "$(planted '/^#error/d')"

    rules=$here/header_rules.sh
    passes  'a header that keeps the rules'       "$rules" "$scratch/base.h"
    catches 'a bool'           'not a plain type' "$rules" "$(planted 's/uint32_t first;/_Bool first;/')"
    catches 'a bit-field'      'no name in'       "$rules" "$(planted 's/uint32_t first;/uint32_t first : 3;/')"
    catches 'an inner array'   'no name in'       "$rules" "$(planted '/^} eep_sample;/i\    char more[16];')"
    catches 'no stride'        'no stride'        "$rules" "$(planted 's/uint32_t element_stride;/uint32_t element_width;/')"
    catches 'no count'         'no count'         "$rules" "$(planted 's/uint32_t element_count;/uint32_t elements_n;/')"
    catches 'no struct_size'   'begins neither'   "$rules" "$(planted '/eep_sample_request {/,/^}/s/struct_size/size/')"
    catches 'low flag'         'below bit 8'      "$rules" "$(planted 's/\(EEP_OPEN_SAMPLE\) .*/\1 0x10u/')"
    catches 'code used twice'  'has the number'   "$rules" "$(planted 's/\(EEP_E_SAMPLE_TWO\) .*/\1 9001/')"
    catches 'an enum'          'no plain struct'  "$rules" "$(planted 's/^typedef struct eep_sample {/enum { A };\nenum eep_x {\n};\n&/')"
}

# printed FILE HEADER: the layout of the header goes into the file.
printed() {
    "$here/layout.sh" print "$2" >"$1" 2>"$scratch/said" && [ -s "$1" ] ||
        problem "layout.sh print: $(tail -n 1 "$scratch/said" "$1" | tail -n 1)"
}

layout_gate() {
    layout=$here/layout.sh
    base=$scratch/base.layout
    printed "$base" "$scratch/base.h"
    passes  'the layout it has'                   "$layout" check "$scratch/base.h" "$base"
    catches 'fields that changed places' 'golden has' "$layout" check "$(planted '/uint32_t first;/{h;d};/int32_t second;/G')" "$base"
    catches 'another type'     'golden has'       "$layout" check "$(planted 's/uint32_t first;/int32_t first;/')" "$base"
    catches 'another number'   'golden has'       "$layout" check "$(planted 's/\(EEP_E_SAMPLE_TWO\) .*/\1 9003/')" "$base"
    catches 'another signature' 'golden has'      "$layout" check "$(planted 's/, uint32_t what)/, int32_t what)/')" "$base"
    catches 'a field more'     'golden has'       "$layout" check "$(planted '/^} eep_sample;/i\    eep_str zone;')" "$base"
    catches 'a lost golden'    'golden has'       "$layout" check "$scratch/base.h" /dev/null

    # A table that lacks a field is seen by the gap that it leaves.
    strip_c "$scratch/base.h" | awk -f "$here/fields.awk" | grep -v 'eep_sample, name,' >"$scratch/layout_fields.h"
    cp "$scratch/base.h" "$scratch/eep.h"
    cc -I"$scratch" -o "$scratch/gap" "$here/layout_test.c"
    catches 'a field not in the table' 'the fields do not cover' "$scratch/gap" "$base"
}

# grown [SED-SCRIPT]: the layout of base.h with that change; the name of the file that has it.
grown() {
    printed "$scratch/grown.layout" "$(planted "$1")"
    echo "$scratch/grown.layout"
}

growth() {
    grows="$here/layout.sh append-only"
    base=$scratch/base.layout
    minor='s/^\(#define EEP_ABI_MINOR\) .*/\1 701u/'
    append='/^} eep_sample;/i\    eep_str zone;'

    passes  'nothing new'                           $grows "$here/layout.golden" "$here/layout.golden"
    passes  'only the minor'                        $grows "$base" "$(grown "$minor")"
    passes  'a field at the end'                    $grows "$base" "$(grown "$minor
        $append")"
    catches 'taken away again' 'eep_sample.zone has gone' $grows "$scratch/grown.layout" "$base"
    catches 'the same minor' 'EEP_ABI_MINOR'        $grows "$base" "$(grown "$append")"
    catches 'a lower minor' 'EEP_ABI_MINOR was'     $grows "$base" "$(grown 's/^\(#define EEP_ABI_MINOR\) .*/\1 699u/')"
    passes  'a reserved word gets a name'           $grows "$base" "$(grown "$minor
        /} eep_sample_element;/,\$s/uint32_t reserved;/uint32_t gpu;/")"
    catches 'another field gets a name' 'eep_sample.name has gone' $grows "$base" "$(grown "$minor
        s/eep_str name;/eep_str title;/")"
    catches 'a reserved word goes' 'eep_sample.reserved has gone' $grows "$base" "$(grown "$minor
        /} eep_sample_element;/,\$s/uint32_t reserved;/eep_str zone;/
        /uint32_t last;/d")"
    catches 'a field in the middle' 'eep_sample.zone is not at the end' $grows "$base" "$(grown "$minor
        s/eep_str name;/eep_str zone;\n    &/")"
    catches 'a larger field' 'eep_sample.first was' $grows "$base" "$(grown "$minor
        s/uint32_t first;/uint64_t first;/
        /int32_t second;/d")"
    catches 'a smaller struct' 'struct eep_sample_element was' $grows "$base" "$(grown "$minor
        /^typedef struct eep_sample_element {/,/^}/{/eep_str text;/d}")"
    catches 'another number' 'EEP_E_SAMPLE_TWO was' $grows "$base" "$(grown "$minor
        s/\(EEP_E_SAMPLE_TWO\) .*/\1 9003/")"
    passes  'a new number'                          $grows "$base" "$(grown "$minor
        s/^#define EEP_E_SAMPLE_TWO.*/&\n#define EEP_E_SAMPLE_THREE 9003/")"
    catches 'a function type changed' 'eep_sample_fn was' $grows "$base" "$(grown "$minor
        s/, uint32_t what)/)/")"
    catches 'an empty layout' 'is empty'            $grows "$base" /dev/null
}

# sample NAME LINK-FLAGS C-TEXT: builds a small plugin, $scratch/NAME.so and .o.
sample() {
    printf '%s\n' "$3" >"$scratch/$1.c"
    cc -fPIC -fvisibility=hidden -c -o "$scratch/$1.o" "$scratch/$1.c" &&
        cc -shared -o "$scratch/$1.so" $2 "$scratch/$1.o" || problem "cannot build the sample $1"
}

symbols_gate() {
    export_it='__attribute__((visibility("default")))'
    entry="$export_it const void *eep_plugin_v1(void); const void *eep_plugin_v1(void) { return 0; }"
    right='-Wl,-z,nodelete,-z,now'
    symbols=$here/symbols.sh
    sample good "$right" "$entry"
    sample more "$right" "$entry $export_it int helper(void) { return 1; }"
    sample none "$right" "$export_it int helper(void) { return 1; }"
    sample unload '-Wl,-z,now' "$entry"
    sample lazy '-Wl,-z,nodelete,-z,lazy' "$entry"
    sample path "$right -Wl,-rpath,/nowhere" "$entry"
    sample stack "$right -Wl,-z,execstack" "$entry"
    sample tls "$right" "$entry static __thread int x __attribute__((tls_model(\"initial-exec\"))); $export_it int *eep_plugin_v1_x(void); int *eep_plugin_v1_x(void) { return &x; }"
    sample exits "$right" "#include <stdlib.h>
        $entry void quit(void) { exit(1); }"
    sample asserts "$right" "#include <assert.h>
        $entry void check(int x) { assert(x); }"
    sample hidden "$right" "#include <stdio.h>
        $entry int (*say)(const char *, ...) = printf;"
    sample reads "$right" "#include <stdlib.h>
        $entry char *read_it(void) { return getenv(\"HOME\"); }"
    passes 'a good plugin' "$symbols" "$scratch/good.so" "$scratch/good.o"
    catches 'a second export' 'helper: exported'        "$symbols" "$scratch/more.so" "$scratch/more.o"
    catches 'no entry' 'does not export eep_plugin_v1'  "$symbols" "$scratch/none.so" "$scratch/none.o"
    catches 'may be unloaded' '-z NODELETE'             "$symbols" "$scratch/unload.so" "$scratch/unload.o"
    catches 'lazy binding' '-z NOW'                     "$symbols" "$scratch/lazy.so" "$scratch/lazy.o"
    catches 'a search path' 'has RUNPATH'               "$symbols" "$scratch/path.so" "$scratch/path.o"
    catches 'an executable stack' 'executable stack'    "$symbols" "$scratch/stack.so" "$scratch/stack.o"
    catches 'static TLS' 'static TLS'                   "$symbols" "$scratch/tls.so" "$scratch/tls.o"
    catches 'exit' 'imports exit'                       "$symbols" "$scratch/exits.so" "$scratch/exits.o"
    catches 'assert' 'imports __assert_fail'            "$symbols" "$scratch/asserts.so" "$scratch/asserts.o"
    catches 'printf by pointer' 'imports printf'        "$symbols" "$scratch/hidden.so" "$scratch/hidden.o"
    catches 'getenv' 'imports getenv'                   "$symbols" "$scratch/reads.so" "$scratch/reads.o"
    cp "$scratch/reads.o" "$scratch/config_env.o"
    passes 'getenv where it may be' "$symbols" "$scratch/good.so" "$scratch/config_env.o"
    passes 'no plugin yet' "$symbols" "$scratch/absent.so"
    "$symbols" "$scratch/absent.so" | grep -q '^SKIP' || problem 'no plugin: not skipped'
}

# source_file NAME: standard input becomes that file of a small tree.
source_file() {
    mkdir -p "$scratch/tree/$(dirname "$1")"
    cat >"$scratch/tree/$1"
}

banned_gate() {
    banned=$here/banned.sh
    rm -rf "$scratch/tree"
    source_file plugin/good.c <<'END'
/* printf("in a comment") and exit(1) */
// abort();
const char *text = "call abort() and \" exit(1)"; char quote = '"'; const char *more = "system(";
int PRINTF_like(int x) __attribute__((format(printf, 1, 2)));
int f(struct ops *ops) { return ops->exit(1) + ops->own.signal(2) + my_printf(3) + printf_like(4); }
END
    echo 'char *home(void) { return getenv("HOME"); }' | source_file plugin/config_env.c
    echo 'int main(void) { printf("test"); return 0; }' | source_file plugin/good_test.c
    echo 'static inline void note(char *a) { strcat(a, "test"); }' | source_file plugin/base/good_testing.h
    passes 'comments, literals, members, longer names, tests' "$banned" "$scratch/tree"
    echo 'static inline void note(char *a) { strcat(a, "x"); }' | source_file plugin/base/protesting.h
    catches 'a header that is no test' 'protesting.h:1: calls strcat' "$banned" "$scratch/tree"
    rm "$scratch/tree/plugin/base/protesting.h"
    for call in 'printf("x")' 'exit (1)' 'abort()' 'strcpy(a, b)' '(void)system("x")' 'a = b ? fork() : 0' 'getenv("X")'; do
        echo "void bad(void) { /* x */ $call; }" | source_file plugin/base/bad.c
        catches "$call" 'plugin/base/bad.c:1: calls' "$banned" "$scratch/tree"
    done
    printf 'char c = %s;\n/* a\n * comment */ int g(void) { return atoi("1"); }\n' "'\\\\''" | source_file plugin/base/bad.c
    catches 'after a comment of two lines' 'bad.c:3: calls atoi' "$banned" "$scratch/tree"
}

# many LINES: that many lines of C inside a function.
many() {
    printf 'int long_one(int x)\n{\n'
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) print "    x++;" }'
    printf '}\n'
}

sizes_gate() {
    sizes=$here/sizes.sh
    rm -rf "$scratch/tree"
    many 60 | source_file plugin/f.c
    passes 'a function of 60 lines' "$sizes" "$scratch/tree"
    grep -q '60 lines: long_one' "$scratch/said" || problem 'the longest functions are not printed'
    many 61 | source_file hosts/cli/f.c
    catches 'a function of 61 lines' 'hosts/cli/f.c:1: long_one has 61 lines' "$sizes" "$scratch/tree"
    rm -r "$scratch/tree/hosts"
    awk 'BEGIN { for (i = 0; i < 701; i++) print "# line" }' | source_file hosts/python/x.py
    catches 'a file of 701 lines' 'hosts/python/x.py has 701 lines' "$sizes" "$scratch/tree"
    mkdir -p "$scratch/tree/hosts/node/node_modules"
    mv "$scratch/tree/hosts/python/x.py" "$scratch/tree/hosts/node/node_modules/x.js"
    passes "other people's files" "$sizes" "$scratch/tree"
}

# with_docs SED-SCRIPT FILE: a copy of abi/ and its pages with a fault in FILE.
with_docs() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/abi" "$scratch/tree/tests/standin"
    : >"$scratch/tree/tests/standin/README.md" # abi/README.md has a link to it
    cp -r "$top/abi/eep.h" "$top/abi/ext" "$top/abi/README.md" "$top/abi/CHANGES.md" "$scratch/tree/abi/"
    [ $# -eq 0 ] && return
    sed "$1" "$top/$2" >"$scratch/tree/$2"
    cmp -s "$scratch/tree/$2" "$top/$2" && problem "the plant changes nothing: $1"
}

docs_gate() {
    docs=$here/docs.sh
    with_docs
    passes 'the docs as they are' "$docs" "$scratch/tree"
    with_docs '$s/^/#define EEP_NEW_THING 5u\n\n/' abi/eep.h
    catches 'an unknown macro' 'EEP_NEW_THING has no comment' "$docs" "$scratch/tree"
    with_docs '$s/^/typedef struct eep_odd {\n    eep_str s;\n} eep_odd;\n\n/' abi/eep.h
    catches 'an unknown type' 'eep_odd has no comment' "$docs" "$scratch/tree"
    with_docs 's/^} eep_plugin;/\n    void (*tickle)(void);\n&/' abi/eep.h
    catches 'an unknown slot' 'tickle has no comment' "$docs" "$scratch/tree"
    with_docs 's/^} eep_execution_table;/\n    void (*poke)(void);\n&/' abi/ext/execution.h
    catches 'an unknown slot of an extension' 'poke has no comment' "$docs" "$scratch/tree"
    with_docs '/^| `EEP_OK` |/d' abi/README.md
    catches 'a code without a row' 'EEP_OK 0: not in the error table' "$docs" "$scratch/tree"
    with_docs 's/^\(| `EEP_OK` |\) 0/\1 41/' abi/README.md
    catches 'a wrong number' 'EEP_OK 41: in the error table' "$docs" "$scratch/tree"
    with_docs '$s/$/\n\nSee `eep_lease.house`./' abi/README.md
    catches 'a name that has gone' 'README.md names eep_lease.house' "$docs" "$scratch/tree"
    with_docs '/^| [A-Z]2 /d' abi/README.md
    catches 'a lost row' '3 where ' "$docs" "$scratch/tree"
    with_docs '/^#include "eep.h"/s/$/\nint odd = ;/' abi/README.md
    catches 'a sample that does not compile' 'does not compile' "$docs" "$scratch/tree"
    with_docs '$s/$/\n\n[there](epp.h)/' abi/README.md
    catches 'a dead link' 'dead link epp.h' "$docs" "$scratch/tree"
    with_docs '$s/$/\n\n[there](#shrinking)/' abi/README.md
    catches 'a dead anchor' 'no such heading: #shrinking' "$docs" "$scratch/tree"
    with_docs 's/^## .*/## 0.9/' abi/CHANGES.md
    catches 'a version without an entry' 'newest entry' "$docs" "$scratch/tree"
}

singleuse_gate() {
    single=$here/singleuse.sh
    sample alone '' 'int used_here_only(void) { return 1; }'
    sample two_a '' 'int shared_by_two(void) { return 1; }'
    sample two_b '' 'int shared_by_two(void); int other(void); int other(void) { return shared_by_two(); }'
    passes 'a report is no failure' "$single" "$scratch/alone.o" "$scratch/two_a.o" "$scratch/two_b.o"
    grep -q 'used_here_only could be static' "$scratch/said" || problem 'a symbol of one user is not reported'
    grep -q shared_by_two "$scratch/said" && problem 'a shared symbol is reported'
}

for tool in gcc clang g++ clang++ readelf; do have $tool || finish; done
make_base
header_gates
layout_gate
growth
symbols_gate
banned_gate
sizes_gate
docs_gate
singleuse_gate
note "$cases cases"
finish
