# supervise.sh: the supervisor: one for each execution, in a session of its own, so that it outlives the request. It
# runs as `sh -c base+ladder+supervise eep ARGS...`, never under zsh, with a pipe to the requester on descriptor 4.
#
# Descriptors: 0/2 notes (the shell's own messages and the pumps' pids), 9 record, 3>4 stdout, 6>8 stderr (pipes),
# 5 and 7 their files; once the pumps run: 1 settings, 3 script, 6 stdin.

e_p=$1 e_boot=$2 e_digest=$3 e_wall=$4 e_limit=$5 e_max=$6 e_merge=$7 e_login=$8 e_shell=$9
shift 9
e_cwd=$1 e_in=$2 e_has=$3 e_rungs=$4
e_pumps= e_cats= e_held= e_lost=0 e_sig=0 e_last=0 e_whys=- e_unsure=0 e_size2=0

# Caught, so that they are reset for the command (ignored ones would stay ignored).
trap : 1 2 15

e_say() {
    echo "$1" >&4
    exit
}

# Everything that can be found wrong before the marker exists: nothing has happened then.
e_check() {
    for e_x in cat rm sleep; do
        command -v $e_x >/dev/null || e_say "tool $e_x"
    done
    [ -z "$e_cwd" ] || cd "$e_cwd" || e_say cwd
    unset OLDPWD
    e_setsid=$(command -v setsid)
}

# The marker: made by exactly one supervisor. Room for the records to come is taken now: they must fit on a full disk.
e_mark() {
    e_clock
    e_proc $$
    set -C
    { exec 9>&1; } >"$e_p.p" || {
        [ -e "$e_p.p" ] && e_say exists
        e_say folder
    }
    set +C
    printf '%511s\n' '' 1<>"$e_p.p" &&
        echo "EEP1 $e_digest $$ $e_start $e_boot $((e_wall + e_now)) $e_merge ." >&9 &&
        { exec 5>&1; } >"$e_p.o" && { [ "$e_merge" = 1 ] || { exec 7>&1; } >"$e_p.e"; } || {
        rm -f "$e_p.p" "$e_p.o" "$e_p.e"
        e_say disk
    }
    echo ok >&4
    exec 4>&-
}

# e_pump READ FILE: moves a stream to its file, in the background. The kernel counts: `ulimit -f` ends the cat at
# the output limit. Any other failure is a full disk: the command goes on, its output is lost from there.
e_pump() {
    (
        exec 4>&- 8>&- 9>&-
        ulimit -c 0
        ulimit -f $(((e_max + 511) / 512))
        cat <&"$1" >&"$2" 2>/dev/null &
        echo $! >&2
        exec 2>/dev/null
        wait $! && exit
        read -r e_x e_size <"/proc/self/fdinfo/$2"
        if [ "$e_size" -ge "$e_max" ]; then
            e_ladder o $e_rungs
            exit 2
        fi
        cat <&"$1" >/dev/null
        exit 1
    ) &
    e_pumps="$e_pumps $!"
}

# Kills the command at its time limit. Its sleep must not outlive it: TERM ends both, at any moment.
e_watch() {
    (
        exec </dev/null >/dev/null 2>&1 3<&- 4>&- 5>&- 6<&- 7>&- 8>&- 9>&-
        e_x=
        trap e_x=1 15
        sleep "$e_limit" &
        e_s=$!
        trap 'kill $e_s; exit' 15
        [ -z "$e_x" ] || { kill $e_s; exit; }
        # A sleep that knows no fractions fails at once.
        wait $e_s || { sleep $((${e_limit%.*} + 1)) & e_s=$!; wait $e_s; }
        trap : 15
        e_ladder l $e_rungs
    ) &
    e_dog=$!
}

# Opens what the request has brought and takes its names away, before the command can look.
e_inputs() {
    exec 1</dev/null 3<&1 6<&1
    case $e_has in *e*) exec 1<"$e_in.e" ;; esac
    case $e_has in *s*) exec 3<"$e_in.s" ;; esac
    case $e_has in *i*) exec 6<"$e_in.i" ;; esac
    rm -f "$e_in.e" "$e_in.s" "$e_in.i" &
    e_rm=$!
}

# Becomes the command, in a subshell in the foreground (background ones ignore INT). The settings come last: they may
# set any variable. Paths below /proc/$$ are this supervisor's descriptors: the command inherits none of them.
e_become() {
    e_proc self
    echo "ran ${e_line%% *} $e_start ." >&9
    exec 1>&- 3<&- 9>&-
    if [ "$e_login" = 1 ]; then
        # The profiles get none of the command's streams; the script's first line takes them back.
        set -- "$e_setsid" "$e_shell" -l "/proc/$$/fd/3"
        exec 7<&6 6>&4 5>&8 4>&- 8>&- </dev/null >/dev/null 2>&1
    else
        set -- "$e_setsid"
        [ -z "$e_shell" ] || set -- "$e_setsid" "$e_shell" "/proc/$$/fd/3"
        exec <&6 >&4 2>&8 4>&- 5>&- 6<&- 7>&- 8>&-
    fi
    . "/proc/$$/fd/1"
    exec "$@"
}

# The shell's message is all that tells a signal from an exit code above 128; INT and PIPE are silent.
e_notes() {
    echo . >&2
    while read -r e_x && [ "$e_x" != . ]; do
        case $e_x in
        [0-9]*) e_cats="$e_cats $e_x" ;;
        *) [ "$e_code" -le 128 ] || e_sig=$((e_code - 128)) ;;
        esac
    done
    [ "$e_sig" != 0 ] || case $e_code in 130 | 141) e_sig=? ;; esac
}

# After somebody has begun to kill: gives him the time for it, kills the rest, collects what has been done.
e_killed() {
    e_sum=0 e_patience=50
    for e_x in $e_rungs; do
        e_sum=$((e_sum + ${e_x#*:}))
    done
    e_ladder w 0:$e_sum 9:2000 || e_unsure=1
    e_whys=
    for e_x in "$e_p.k."*; do
        e_x=${e_x#"$e_p.k."*.}
        e_last=${e_x%.*} e_whys=$e_whys${e_x#*.}
        [ "$e_code.$e_last" != 130.2 ] || e_sig=2
    done
}

# Is a pump still at work?
e_pumping() {
    for e_x in $e_pumps; do
        e_proc "$e_x" && [ "$e_state" != Z ] && return
    done
    return 1
}

# Is every cat asleep? Then it waits at an empty pipe that somebody holds open.
e_asleep() {
    for e_x in $e_cats; do
        e_proc "$e_x" && [ "$e_state" != S ] && return 1
    done
    return 0
}

# The drain rule: the streams end when the pumps have ended, or when the command is gone and they have been asleep for
# several looks: background children hold the pipes then, and the pumps stay with them.
e_drain() {
    e_n=0 e_quiet=0
    while e_pumping; do
        e_n=$((e_n + 1))
        [ $e_n -gt 40 ] || continue
        while set -- $e_cats && [ $# -lt $((2 - e_merge)) ]; do
            read -r e_x
            e_cats="$e_cats $e_x"
        done
        e_quiet=$((e_quiet + 1))
        e_asleep || e_quiet=0
        [ $e_quiet -lt $e_patience ] || break
        sleep 0.01 || sleep 1
    done
    for e_x in $e_cats; do
        e_proc "$e_x" && [ "$e_state" != Z ] && [ $e_quiet -gt 0 ] && e_held=$e_held,$e_x.$e_start
    done
    for e_x in $e_pumps; do
        e_proc "$e_x" && [ "$e_state" != Z ] || wait "$e_x" || [ $? = 2 ] || e_lost=1
    done
}

# e_size FD: how much has been written to a file, in e_n: the offset that we share with its pump.
e_size() {
    read -r e_x e_n <"/proc/self/fdinfo/$1" || e_n=$(wc -c <"/proc/self/fd/$1")
}

e_check
e_mark
e_patience=3
e_pipe 3 4
[ "$e_merge" = 1 ] && exec 8>&4 || e_pipe 6 8
e_pipe 0 2
e_pump 3 5
[ "$e_merge" = 1 ] || e_pump 6 7
e_inputs
e_watch
wait $e_rm
(e_become)
e_code=$?
exec 4>&- 8>&-
e_notes
if [ -e "$e_p.k" ]; then
    e_killed
else
    kill $e_dog
fi
e_drain
e_clock
e_size 5
e_o=$e_n
[ "$e_merge" = 1 ] && e_n=0 || e_size 7
echo "end $e_code $e_sig $e_o $e_n $e_lost ${e_held:-0} $e_last $e_whys $e_unsure $((e_wall + e_now)) ." >&9
[ ! -e "$e_p.k" ] || rm -f "$e_p.k" "$e_p.k."*
