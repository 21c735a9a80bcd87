# supervise.sh: the supervisor: one for each execution, in a session of its own, so that it outlives the request. It
# runs as `sh -c base+ladder+supervise eep ARGS...`, never under zsh. It does as much as it can without processes: each
# one costs more than all the rest.
#
# It has one helper, the keeper (keep.sh). Descriptors: 0 the command's stdin, 1 its settings, 3 its script, 4 a pipe to
# the requester (all from the requester); 2 notes (a pipe for the shell's own messages and the keeper's verdict), 7 the
# keeper's events; 6 and 8 where stdout and stderr begin, for a moment 4 and 5 where they end; 9 the record.

e_p=$1 e_boot=$2 e_digest=$3 e_wall=$4 e_limit=$5 e_max=$6 e_merge=$7 e_login=$8 e_shell=$9
shift 9
e_cwd=$1 e_rungs=$2 e_setsid=$3
e_sig=0 e_last=0 e_whys=- e_unsure=0

# Caught, so that they are reset for the command (ignored ones would stay ignored).
trap : 1 2 15

e_say() {
    echo "$1" >&4
    exit
}

# Everything that can be found wrong before the marker exists: nothing has happened then.
e_check() {
    for e_x in cat sleep; do
        command -v $e_x >/dev/null || e_say "tool $e_x"
    done
    [ -z "$e_cwd" ] || cd "$e_cwd" || e_say cwd
    unset OLDPWD
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
        { :; } >"$e_p.o" && { [ "$e_merge" = 1 ] || { :; } >"$e_p.e"; } || {
        rm -f "$e_p.p" "$e_p.o" "$e_p.e"
        e_say disk
    }
    echo ok >&4
    exec 4>&-
}

# e_found NAME: is it a program? Only positional parameters: any variable may be the command's by now. (A busybox that has
# its tools inside of the shell finds not even setsid.)
e_found() {
    case $1 in
    */*) set -- "${1##*/}" "${1%/*}:" ;;
    *) set -- "$1" "${PATH-/bin:/usr/bin}:" ;;
    esac
    while [ "$2" ]; do
        set -- "$1" "${2#*:}" "${2%%:*}"
        [ -x "${3:-.}/$1" ] && [ ! -d "${3:-.}/$1" ] && return
    done
    return 1
}

# What a shell would say about it. With login profiles stderr is hidden still.
e_tell_missing() {
    [ "$e_login" != 1 ] || exec 2>&5
    [ ! -e "$1" ] || { echo "$1: Permission denied" >&2; exit 126; }
    echo "$1: not found" >&2
    exit 127
}

# Becomes the command, in a subshell in the foreground (background ones ignore INT). The settings come last: they may
# set any variable. Paths below /proc/$$ are this supervisor's descriptors: the command inherits none of them.
e_become() {
    e_proc self
    echo "ran ${e_line%% *} $e_start $e_keeper ." >&9
    # Killed meanwhile: somebody may have looked before that line was there, and says that it never runs.
    [ -e "/proc/$$/fd/9" ] || exit
    export "EEP_EXECUTION=${e_p##*/}:"
    if [ "$e_login" = 1 ]; then
        # The script's first line reads the profiles, which get none of the command's streams, and takes them back.
        set -- "$e_setsid" "$e_shell" "/proc/$$/fd/3"
        exec 7<&0 4>&6 5>&8 </dev/null >/dev/null 2>&1 3<&- 6>&- 8>&- 9>&-
    else
        set -- "$e_setsid"
        [ -z "$e_shell" ] || set -- "$e_setsid" "$e_shell" "/proc/$$/fd/3"
        exec >&6 2>&8 3<&- 6>&- 7>&- 8>&- 9>&-
    fi
    . "/proc/$$/fd/1"
    e_found "$2" || ! e_found "${1##*/}" || e_tell_missing "$2"
    exec "$@"
}

# The shell's message about a signal is all that tells one from an exit code above 128. Our own dot comes behind it. INT
# and PIPE are silent.
e_signal() {
    echo . >&2
    while read -r e_x <&2 && [ "$e_x" != . ]; do
        e_sig=$((e_code - 128))
    done
    [ $e_sig != 0 ] || case $e_code in 130 | 141) e_sig=? ;; esac
}

# After somebody has begun to kill: gives him the time for it, kills the rest, collects what has been done.
e_killed() {
    e_sum=0
    for e_x in $e_rungs; do
        e_sum=$((e_sum + ${e_x#*:}))
    done
    e_ladder w 0:$e_sum 9:2000 || e_unsure=1
    e_whys=
    for e_x in "$e_p.k."*; do
        [ -e "$e_x" ] || break # he has said so, and not yet climbed a rung
        e_x=${e_x#"$e_p.k."*.}
        e_last=${e_x%.*} e_whys=$e_whys${e_x#*.}
        [ "$e_code.$e_last" != 130.2 ] || e_sig=2
    done
    e_whys=${e_whys:--}
}

exec 4<>/proc/self/fd/4 # for reading too: a pipe that nobody reads kills who writes, and the requester may be gone
e_check
e_mark
e_pipe 4 2
e_pipe 5 7
exec 2<>/proc/self/fd/4 7<>/proc/self/fd/5 # likewise
e_pipe 4 6
[ "$e_merge" = 1 ] && exec 8>&6 || e_pipe 5 8
(e_keep) &
e_keeper=$!
exec 4<&- 5<&-
(e_become)
e_code=$?
[ $e_code -le 128 ] || e_signal
# From here on the keeper is the only one who writes notes: if it dies, that is seen as their end.
exec 4</proc/self/fd/2 2>/dev/null 6>&- 8>&-
[ ! -e "$e_p.k" ] || e_killed
echo over >&7
# A shell may say first that the keeper was killed.
e_x=
while [ "$e_x" != = ] && read -r e_x e_o e_e e_lost e_held e_cut <&4; do :; done
[ "$e_x" = = ] || e_o=0 e_e=0 e_lost=1 e_held=0 e_cut=0
[ "$e_cut" = 0 ] || case $e_whys in *o*) ;; *) e_whys=${e_whys#-}o ;; esac
e_clock
echo "end $e_code $e_sig $e_o $e_e $e_lost $e_held $e_last $e_whys $e_unsure $((e_wall + e_now)) ." >&9
[ ! -e "$e_p.k" ] || rm -f "$e_p.k" "$e_p.k."*
