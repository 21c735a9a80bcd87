#!/bin/sh
# demo.sh: the life of a sandbox, told with build/eep: look, lease, work, stop, come back, destroy.
#
# With DAYTONA_API_KEY set it uses the real account (and destroys what it makes); without, it starts the stand-in: a local
# server that speaks Daytona's API. Exits with 0 only if every step went as it should; cleans up in any case.
set -u

here=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "${BUILD:-$here/../../build}" && pwd) || exit 1
began=$(date +%s)
tmp=$(mktemp -d) || exit 1
LEASE=
standin=

# -- how it is told ---------------------------------------------------------------------------------------------------

bold= plain= cyan= red= green=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m') cyan=$(printf '\033[36m')
    red=$(printf '\033[31m') green=$(printf '\033[32m')
fi

chapter() {
    printf '\n%s%s%s\n' "$bold" "$1" "$plain"
}

shown() {
    printf '  %s$ %s%s\n' "$cyan" "$1" "$plain"
}

indent() {
    awk '{ print "    " $0 }'
}

fail() {
    printf '\n%sdemo: %s%s\n' "$red" "$1" "$plain" >&2
    exit 1
}

# run STATUS TEXT COMMAND...: shows TEXT, runs COMMAND, shows what it says, and insists on its exit status.
run() {
    expected=$1
    shown "$2"
    shift 2
    status=0
    "$@" >"$tmp/said" 2>&1 || status=$?
    indent <"$tmp/said"
    [ "$status" = "$expected" ] || fail "the exit status is $status, it should be $expected"
}

same() {
    [ "$2" = "$3" ] || fail "$1 differ: $2 and $3"
}

eep() {
    "$BUILD/eep" "$@"
}

# -- before and after ---------------------------------------------------------------------------------------------------

clean_up() {
    status=$?
    trap '' INT TERM HUP
    if [ -n "$standin" ]; then
        kill "$standin" 2>/dev/null # its sandboxes end with it; on Ctrl-C it may have ended before us
        wait "$standin" 2>/dev/null
    elif [ -n "$LEASE" ]; then
        echo "demo: destroying the sandbox" >&2
        eep release "$LEASE" --destroy --timeout 60s >&2 || echo "demo: lease $LEASE is left behind" >&2
    fi
    rm -rf "$tmp"
    exit "$status"
}

start_standin() {
    unset EEP_CONFIG EEP_PLUGIN DAYTONA_JWT_TOKEN DAYTONA_ORGANIZATION_ID DAYTONA_TARGET DAYTONA_SERVER_URL
    mkfifo "$tmp/ready" || exit 1
    "$BUILD/daytona-standin" --port 0 --ready-fd 3 --key demo-key --control --quiet 3>"$tmp/ready" &
    standin=$!
    read -r DAYTONA_API_URL <"$tmp/ready" || fail "the stand-in did not start"
    DAYTONA_API_KEY=demo-key
    export DAYTONA_API_URL DAYTONA_API_KEY
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

for program in eep eep-daytona.so; do
    [ -e "$BUILD/$program" ] || fail "there is no $BUILD/$program: run make first"
done

if [ -n "${DAYTONA_API_KEY:-}" ]; then
    echo "This uses your account at ${DAYTONA_API_URL:-https://app.daytona.io/api}: one sandbox, destroyed at the end."
else
    start_standin
    echo "No DAYTONA_API_KEY is set, so this runs against a local stand-in: $DAYTONA_API_URL"
fi

# -- the story ----------------------------------------------------------------------------------------------------------

chapter "1. Is everything in place?"
run 0 'eep validate' eep validate
run 0 'eep probe' eep probe

chapter "2. A sandbox. Its lease is a string that works in any process."
shown 'LEASE=$(eep acquire --name demo)'
LEASE=$(eep acquire --name demo 2>"$tmp/said") || { indent <"$tmp/said"; fail "there is no sandbox"; }
indent <"$tmp/said"
shown 'echo $LEASE'
echo "$LEASE" | indent

chapter "3. Work: a program of ours goes there and runs there."
cat >"$tmp/words.sh" <<'END'
#!/bin/sh
# The most frequent words of what comes in.
tr -cs '[:alpha:]' '\n' | tr '[:upper:]' '[:lower:]' | sort | uniq -c | sort -k1,1nr -k2 | head -n 3
END
chmod +x "$tmp/words.sh"
run 0 'eep realize $LEASE --file words.sh --dir results' eep realize "$LEASE" --file "$tmp/words.sh" --dir results
run 0 'eep exec $LEASE -- ls -l' eep exec "$LEASE" -- ls -l
run 0 "eep exec \$LEASE -c './words.sh < words.sh | tee results/words'" \
    eep exec "$LEASE" -c './words.sh < words.sh | tee results/words'

chapter "4. Standard input, in a pipeline."
pipeline() {
    printf 'to be or not to be, that is the question\n' | eep exec "$LEASE" --stdin -- ./words.sh
}
run 0 "echo 'to be or not to be, ...' | eep exec \$LEASE --stdin -- ./words.sh" pipeline
same "the most frequent words" "$(awk 'NR <= 2 { printf "%s=%s ", $2, $1 }' "$tmp/said")" "be=2 to=2 "

chapter "5. Any bytes on both streams, and the command's own exit status."
script='head -c 100000 /dev/urandom > noise; cat noise; printf "\0\377\376" >&2; exit 3'
noise() {
    eep exec "$LEASE" -c "$script" >"$tmp/out" 2>"$tmp/err"
}
run 3 "eep exec \$LEASE -c '$script' > out 2> err" noise
echo "exit status 3, as it should be" | indent
run 0 'eep exec $LEASE -- sha256sum noise' eep exec "$LEASE" -- sha256sum noise
there=$(cut -d ' ' -f 1 "$tmp/said")
run 0 'sha256sum < out' sh -c 'sha256sum < "$1"' sh "$tmp/out"
same "the bytes of standard output" "$(cut -d ' ' -f 1 "$tmp/said")" "$there"
run 0 'od -A n -t x1 err' od -A n -t x1 "$tmp/err"
same "the bytes of standard error" "$(tr -d ' \n' <"$tmp/said")" "00fffe"

chapter "6. Stop it. The files stay; a new process comes back with nothing but the lease."
run 0 'eep release $LEASE --stop' eep release "$LEASE" --stop
run 0 'eep resume $LEASE' eep resume "$LEASE"
run 0 'eep exec $LEASE -- cat results/words' eep exec "$LEASE" -- cat results/words
[ -s "$tmp/said" ] || fail "the file is gone"

chapter "7. Destroy it. Nothing is left."
run 0 'eep release $LEASE --destroy' eep release "$LEASE" --destroy
gone=$LEASE
LEASE=
run 125 'eep resume $LEASE' eep resume "$gone"
if [ -n "$standin" ] && command -v curl >/dev/null; then
    url=${DAYTONA_API_URL%/api}/_standin/sandboxes
    run 0 "curl $url" curl --silent --noproxy "*" "$url"
    grep -q '"live": *0\b' "$tmp/said" || fail "the stand-in still has a sandbox"
fi

printf '\n%sAll steps went as they should, in %s s.%s\n' "$green" "$(($(date +%s) - began))" "$plain"
