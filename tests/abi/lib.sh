# lib.sh: what the gates share; each gate sources it first.
#
# A gate collects every problem it finds and ends with `finish`, which prints them as "# …" lines and then one
# line: "ok - gate" or "not ok - gate: first problem (and N more)". Something that this machine lacks is told by
# `skip`; CI counts a SKIP as a failure. Nothing is written outside $scratch, which is removed at the end.
set -u
LC_ALL=C
export LC_ALL

gate=$(basename "$0" .sh)
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/eep-$gate.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

problem() {
    printf '%s\n' "$*" >>"$scratch/problems"
}

# Each line of standard input is a problem.
problems() {
    cat >>"$scratch/problems"
}

note() {
    printf '# %s\n' "$*"
}

skip() {
    printf 'SKIP: %s: %s\n' "$gate" "$*"
}

finish() {
    if [ ! -s "$scratch/problems" ]; then
        printf 'ok - %s\n' "$gate"
        exit 0
    fi
    sed 's/^/# /' "$scratch/problems"
    first=$(sed -n 1p "$scratch/problems")
    more=$(($(wc -l <"$scratch/problems") - 1))
    [ "$more" -gt 0 ] && first="$first (and $more more)"
    printf 'not ok - %s: %s\n' "$gate" "$first"
    exit 1
}

# have TOOL: is it there? If not, says SKIP.
have() {
    command -v "$1" >/dev/null 2>&1 && return 0
    skip "no $1 here"
    return 1
}

# strip_c FILE: its C code without comments and without the insides of literals, line for line.
strip_c() {
    awk -f "$here/strip_c.awk" "$1"
}

# comments_of FILE: only its comments, line for line.
comments_of() {
    awk -v want=comments -f "$here/strip_c.awk" "$1"
}

# find_files ROOT NAME-PATTERN…: our files below ROOT, without what was built or installed there.
find_files() {
    find_root=$1
    shift
    [ -d "$find_root" ] || return 0
    set -f
    find_names=
    for find_pattern; do find_names="$find_names -o -name $find_pattern"; done
    # The unquoted lists are meant to fall into words.
    find "$find_root" -type d \( -name .git -o -name build -o -name node_modules -o -name target \
        -o -name .venv -o -name __pycache__ \) -prune -o -type f \( ${find_names# -o} \) -print | sort
    set +f
}

# banned_functions: the names that CONTRIBUTING.md bans from plugin/, one a line: the span of code after
# "Never in `plugin/`". One list for people and for the gates.
banned_functions() {
    awk '
        /Never in `plugin\/`/ { on = 1; sub(/.*Never in `plugin\/`/, "") }
        on { text = text " " $0 }
        on && split(text, part, "`") >= 3 { print part[2]; exit }
    ' "$top/CONTRIBUTING.md" | tr -s ' ' '\n' | sed '/^$/d'
}
