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

# planted SED-SCRIPT: a copy of eep.h with a fault. Fails if the script changes nothing.
planted() {
    sed "$1" "$top/abi/eep.h" >"$scratch/eep.h"
    cmp -s "$scratch/eep.h" "$top/abi/eep.h" && problem "the plant changes nothing: $1"
    echo "$scratch/eep.h"
}

header_gates() {
    alone=$here/header_standalone.sh
    catches 'missing include'  'gcc -std=c99'     "$alone" "$(planted '/include <stdint.h>/d')"
    catches 'no include guard' 'gcc -std=c99'     "$alone" "$(planted 's/^#ifndef EEP_H/#if 1/')"
    catches 'padding'          'clang -std=c11'   "$alone" "$(planted '/eep_check;/i\    uint32_t more;')"
    catches 'C only'           'g++ -std=c++11'   "$alone" "$(planted 's/eep_str pointer;/eep_str namespace;/')"
    catches 'too new for C++'  'g++ -std=c++20'   "$alone" "$(planted 's/^typedef struct eep_str {/&\n    const char *restrict old;/')"
    catches 'old prototype'    'gcc -std=c11'     "$alone" "$(planted 's/eep_plugin_v1(void);/eep_plugin_v1();/')"
    catches '32 bits taken'    '-m32'             "$alone" "$(planted '/^#error/d')"

    rules=$here/header_rules.sh
    catches 'a bool'           'not a plain type' "$rules" "$(planted 's/uint32_t valid;/_Bool valid;/')"
    catches 'a bit-field'      'no name in'       "$rules" "$(planted 's/uint32_t mode;/uint32_t mode : 3;/')"
    catches 'an inner array'   'no name in'       "$rules" "$(planted 's/eep_str shell; /char shell[16];/')"
    catches 'no stride'        'no stride'        "$rules" "$(planted 's/uint32_t env_stride;/uint32_t env_width;/')"
    catches 'no count'         'no count'         "$rules" "$(planted 's/uint32_t finding_count;/uint32_t findings_n;/')"
    catches 'no struct_size'   'begins neither'   "$rules" "$(planted '/^typedef struct eep_out {/,/struct_size/s/uint32_t struct_size;/uint32_t size;/')"
    catches 'low flag'         'below bit 8'      "$rules" "$(planted 's/\(EEP_RESUME_NO_START\) 0x100u/\1 0x10u/')"
    catches 'code used twice'  'has the number'   "$rules" "$(planted 's/\(EEP_E_TLS *\)14/\115/')"
    catches 'an enum'          'no plain struct'  "$rules" "$(planted 's/^typedef struct eep_pair {/enum { A };\nenum eep_x {\n};\n&/')"
}

layout_gate() {
    layout=$here/layout.sh
    catches 'a moved field'    'golden has'       "$layout" check "$(planted '/int32_t os_errno;/{h;d};/uint32_t retry_after_ms;/{G}')"
    catches 'another type'     'golden has'       "$layout" check "$(planted 's/uint32_t failed; /int32_t failed; /')"
    catches 'another number'   'golden has'       "$layout" check "$(planted 's/\(EEP_E_TLS *\)14/\131/')"
    catches 'another signature' 'golden has'      "$layout" check "$(planted 's/(\*close)(eep_env \*env)/(*close)(eep_env *env, int32_t now)/')"
    catches 'a lost golden'    'golden has'       "$layout" check "$top/abi/eep.h" /dev/null

    # A table that lacks a field is seen by the gap that it leaves.
    strip_c "$top/abi/eep.h" | awk -f "$here/fields.awk" | grep -v 'eep_lease, home,' >"$scratch/layout_fields.h"
    cc -I"$scratch" -I"$top/abi" -o "$scratch/gap" "$here/layout_test.c"
    catches 'a field not in the table' 'the fields do not cover' "$scratch/gap" "$here/layout.golden"
}

growth() {
    old=$here/layout.golden
    grow() { sed "$1" "$old" >"$scratch/grown"; }
    minor='s/^\(constant EEP_ABI_MINOR\) .*/\1 7/'
    append='s/^struct eep_lease size 248/struct eep_lease size 264/;/^field eep_lease.reserved /a field eep_lease.zone offset 248 size 16: eep_str zone'

    size=$(sed -n 's/^struct eep_lease size //p' "$old")
    append=$(echo "$append" | sed -e "s/248/$size/g" -e "s/264/$((size + 16))/")
    passes  'nothing new'                         "$here/layout.sh" append-only "$old" "$old"
    grow "$minor;$append"
    passes  'a field at the end'                  "$here/layout.sh" append-only "$old" "$scratch/grown"
    catches 'taken away again' 'has gone'         "$here/layout.sh" append-only "$scratch/grown" "$old"
    grow "$append"
    catches 'the same minor' 'EEP_ABI_MINOR'      "$here/layout.sh" append-only "$old" "$scratch/grown"
    grow "$minor;s/^\(field eep_lease\.\)reserved \(.*uint32_t \)reserved/\1gpu \2gpu/"
    passes  'a reserved word gets a name'         "$here/layout.sh" append-only "$old" "$scratch/grown"
    grow "$minor;s/^constant EEP_STATE_GONE .*/constant EEP_STATE_GONE 9/"
    catches 'another number' 'EEP_STATE_GONE was' "$here/layout.sh" append-only "$old" "$scratch/grown"
    grow "$minor;s/^\(field eep_lease\.\)home /\1house /"
    catches 'a new name' 'eep_lease.home has gone' "$here/layout.sh" append-only "$old" "$scratch/grown"
    grow "$minor;/^field eep_lease.reserved /i field eep_lease.zone offset 8 size 16: eep_str zone"
    catches 'a field in the middle' 'not at the end' "$here/layout.sh" append-only "$old" "$scratch/grown"
    grow "$minor;s/^\(struct eep_out size\) .*/\1 8/"
    catches 'a smaller struct' 'eep_out was'      "$here/layout.sh" append-only "$old" "$scratch/grown"
    catches 'an empty layout' 'is empty'          "$here/layout.sh" append-only "$old" /dev/null
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
    passes 'comments, literals, members, longer names' "$banned" "$scratch/tree"
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
    mkdir -p "$scratch/tree/abi"
    cp "$top/abi/eep.h" "$top/abi/README.md" "$top/abi/CHANGES.md" "$scratch/tree/abi/"
    [ $# -eq 0 ] && return
    sed "$1" "$top/$2" >"$scratch/tree/$2"
    cmp -s "$scratch/tree/$2" "$top/$2" && problem "the plant changes nothing: $1"
}

docs_gate() {
    docs=$here/docs.sh
    with_docs
    passes 'the docs as they are' "$docs" "$scratch/tree"
    with_docs 's/^#define EEP_STREAM_STDERR.*/&\n\n#define EEP_NEW_THING 5u/' abi/eep.h
    catches 'an unknown macro' 'EEP_NEW_THING has no comment' "$docs" "$scratch/tree"
    with_docs 's/^typedef struct eep_pair {/typedef struct eep_odd {\n    eep_str s;\n} eep_odd;\n\n&/;s|^/\* A name and its value.*||' abi/eep.h
    catches 'an unknown type' 'eep_odd has no comment' "$docs" "$scratch/tree"
    with_docs 's/^    const void \*(\*get_extension)/\n    void (*tickle)(void);\n&/' abi/eep.h
    catches 'an unknown slot' 'tickle has no comment' "$docs" "$scratch/tree"
    with_docs '/^| `EEP_E_TLS`/d' abi/README.md
    catches 'a code without a row' 'EEP_E_TLS 14: not in the error table' "$docs" "$scratch/tree"
    with_docs 's/^\(| `EEP_E_TLS` |\) 14/\1 41/' abi/README.md
    catches 'a wrong number' 'EEP_E_TLS 41: in the error table' "$docs" "$scratch/tree"
    with_docs 's/eep_lease\.home/eep_lease.house/' abi/README.md
    catches 'a name that has gone' 'README.md names eep_lease.house' "$docs" "$scratch/tree"
    with_docs '/^| H30 /d' abi/README.md
    catches 'a lost row' 'row H31 where H30 is due' "$docs" "$scratch/tree"
    with_docs 's/acquire\.timeout/acquire.time_out/;s/&acquire, &lease/\&acquire, lease/' abi/README.md
    catches 'a sample that does not compile' 'does not compile' "$docs" "$scratch/tree"
    with_docs 's/](eep.h)/](epp.h)/' abi/README.md
    catches 'a dead link' 'dead link epp.h' "$docs" "$scratch/tree"
    with_docs 's/](#growing)/](#shrinking)/' abi/README.md
    catches 'a dead anchor' 'no such heading: #shrinking' "$docs" "$scratch/tree"
    with_docs 's/^## 1\.0-draft/## 0.9/' abi/CHANGES.md
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
