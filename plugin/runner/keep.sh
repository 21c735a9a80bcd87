# keep.sh: the keeper: a child of the supervisor that waits for several things at once, which the supervisor cannot (it
# waits for the command in the foreground). It moves the streams to their files, kills the command at its limits, and
# tells the supervisor when the output has ended. It outlives the supervisor when background children hold the output.
#
# Everything that happens comes as a line through one pipe, without signals or traps: shells lose those.
#
#     p N PID    stream N (4 or 5) is moved by the cat PID        over     the command has ended (from the supervisor)
#     c N CODE   the cat of stream N has ended                    t N      the timer N has ended
#
# Descriptors: 4 and 5 the streams, 6 and 8 their files, 7 the events, 3 the verdict for the supervisor.

# e_pump STREAM FD: a cat from one descriptor to the other, and somebody who tells of its end.
e_pump() {
    (
        exec 3>&-
        cat <&"$1" >&"$2" &
        echo "p $1 $!" >&7
        wait $!
        echo "c $1 $?" >&7
    ) &
    eval "e_teller$1=$!"
}

# e_nap SECONDS: the timer, the only one that counts from here on: a sleep that alone holds the writing end of a pipe, and somebody who reads that. So killing
# the sleep is enough to be rid of both. (A sleep that knows no fractions ends at once.)
e_nap() {
    e_pipe 9 1 # not 0: what runs in the background has /dev/null there
    sleep "$1" 3>&- 9<&- &
    e_timer=$! e_naps=$((e_naps + 1))
    (
        exec 1>&- 3>&-
        read -r e_x <&9
        echo "t $e_naps" >&7
    ) &
    exec 9<&- >/dev/null
}

# e_size FD: how much has been written to a file, in e_n: the offset that we share with its cat.
e_size() {
    read -r e_x e_n <"/proc/self/fdinfo/$1" || e_n=$(wc -c <"/proc/self/fd/$1")
}

# e_ended STREAM CODE: why has a cat ended? The kernel stops it at the output limit (ulimit -f). Other failures are a full
# disk: the command goes on, its output is lost from there on.
e_ended() {
    e_cats=$((e_cats - 1))
    eval "e_pid$1= e_teller$1="
    [ "$2" != 0 ] || return
    e_size $((2 * $1 - 2))
    if [ "$e_n" -ge "$e_max" ]; then
        e_cut=1
        e_ladder o $e_rungs
    else
        e_lost=1 e_cats=$((e_cats + 1))
        e_pump "$1" 1
    fi
}

# Are all cats asleep? Then they wait at empty pipes that somebody holds open. Lists them in e_held.
e_asleep() {
    e_held= e_n=0
    for e_x in $e_pid4 $e_pid5; do
        e_proc "$e_x" && [ "$e_state" = S ] || return 1
        e_held=$e_held,$e_x.$e_start e_n=$((e_n + 1))
    done
    [ $e_n = $e_cats ]
}

# The verdict: both sizes, whether output was lost, who still pumps, whether the output limit has cut something off (the
# command may have ended by itself at that moment: then no rung of the ladder tells).
e_tell() {
    e_size 6
    e_o=$e_n e_n=0
    [ "$e_merge" = 1 ] || e_size 8
    echo "= $e_o $e_n $e_lost $e_held $e_cut" >&3
    exec 3>&-
    e_told=1
}

# Streams of which nobody will tell: who would was killed, and the cat has ended, nobody knows how. What he said before
# lies in the pipe, and has been read when he is found dead a second time.
e_bereaved() {
    e_late=
    for e_s in 4 5; do
        eval "e_x=\$e_teller$e_s e_y=\$e_pid$e_s"
        [ "$e_x" ] || continue
        e_proc "$e_x" && [ "$e_state" != Z ] && continue
        [ "$e_y" ] && e_proc "$e_y" && [ "$e_state" != Z ] && continue
        e_late=$e_late$e_s
        case $e_dead in *$e_s*) e_lost=1; e_ended $e_s 0 ;; esac
    done
    e_dead=$e_late
}

# The drain rule: the output has ended when all cats have, or when the command has ended and they have been asleep at
# three looks, 10 ms apart: then background children hold the pipes, and the cats stay with them.
e_drain() {
    e_quiet=$((e_quiet + 1))
    e_asleep || { e_quiet=0; e_bereaved; }
    if [ $e_quiet -ge 3 ]; then
        e_tell
    else
        e_nap 0.01
    fi
}

# The timer has ended.
e_tick() {
    case $e_over$e_told in
    1) e_drain ;;
    '')
        e_clock
        if [ "$e_now" -ge "$e_until" ]; then
            e_ladder l $e_rungs
        else
            e_nap $(((e_until - e_now) / 1000 + 1))
        fi
        ;;
    esac
}

e_keep() {
    exec </dev/null >/dev/null 3>&2 2>/dev/null 6>"$e_p.o" 8>&- 9>&-
    [ "$e_merge" = 1 ] || exec 8>"$e_p.e"
    ulimit -c 0
    ulimit -f $(((e_max + 511) / 512))
    e_lost=0 e_cut=0 e_quiet=0 e_over= e_told= e_pid4= e_pid5= e_teller5= e_dead= e_naps=0 e_cats=1
    e_until=$((e_now + ${e_limit%.*} * 1000 + 1${e_limit#*.} - 1000))
    e_pump 4 6
    if [ "$e_merge" != 1 ]; then
        e_cats=2
        e_pump 5 8
    fi
    e_nap "$e_limit"
    while [ $e_cats != 0 ]; do
        read -r e_x e_y e_z <&7
        case $e_x in
        p) eval "e_pid$e_y=$e_z" ;;
        c) e_ended "$e_y" "$e_z" ;;
        t)
            [ "$e_y" = $e_naps ] || continue
            e_timer=
            e_tick
            ;;
        over)
            # No time limit any more.
            e_over=1
            kill -9 $e_timer
            e_drain
            ;;
        esac
    done
    e_held=0
    [ "$e_told" ] || e_tell
    kill -9 $e_timer
}
