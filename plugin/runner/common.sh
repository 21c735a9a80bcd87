# common.sh: the part of the requester that all operations share: where the records are, what they say, the answer.
# The request has set: e_id e_no (nonce) e_dir e_in (inline limit) e_oo e_oe (offsets). Runs under dash, busybox ash
# and bash as sh; stderr goes nowhere, because it shares the answer's pipe.

# A short refusal is a whole answer.
e_refuse() {
    echo "EEP1 $e_no refused why=$1 ."
    echo "EEP1 $e_no end"
    exit
}

# Our user's number, in e_uid, without a process.
e_user() {
    while read -r e_x e_y e_uid e_z && [ "$e_x" != Uid: ]; do :; done </proc/self/status
}

# The folder of the records: given, or ~/.eep, or (home cannot be written) one in the temporary folder. 0700 is all the
# protection that its files need. Writing is the only test of writability that holds for root. What has a record is found
# wherever that is: a home may be writable today and not tomorrow, and the other way round.
e_folder() {
    [ "$e_dir" ] || e_dir=$HOME/.eep
    case $e_dir in /*) ;; *) e_dir=$PWD/$e_dir ;; esac # the supervisor goes elsewhere
    e_ok=
    { :; } >"$e_dir/w" || { mkdir -p -m 700 "$e_dir" && { :; } >"$e_dir/w"; } && e_ok=1
    e_p=$e_dir/$e_id
    [ "$e_ok" ] && [ -z "$e_id" ] || [ -e "$e_p.p" ] && return
    e_user
    e_tmp=${TMPDIR:-/tmp}/.eep-$e_uid
    case $e_tmp in /*) ;; *) e_tmp=$PWD/$e_tmp ;; esac
    if [ -z "$e_ok" ]; then
        mkdir -m 700 "$e_tmp"
        [ -O "$e_tmp" ] && [ ! -h "$e_tmp" ] && { :; } >"$e_tmp/w" || return
    else
        [ -e "$e_tmp/$e_id.p" ] && [ -O "$e_tmp" ] && [ ! -h "$e_tmp" ] || return 0
    fi
    e_dir=$e_tmp
    e_p=$e_dir/$e_id
}

# What tells one boot of the sandbox from another.
e_boots() {
    e_boot=0
    read -r e_boot </proc/sys/kernel/random/boot_id
    e_boot=${e_boot%%-*}
}

# The wall clock minus the time since boot, in e_wall; asked once in a boot, because `date` costs a process.
e_walls() {
    read -r e_x e_wall e_y <"$e_dir/clock"
    [ "$e_x $e_y" = "$e_boot ." ] || {
        e_clock
        e_wall=$(date +%s%3N)
        case $e_wall in *[!0-9]*) e_wall=${e_wall%%[!0-9]*}000 ;; esac
        e_wall=$((e_wall - e_now))
        echo "$e_boot $e_wall ." >"$e_dir/clock"
    }
}

# Reads the record: its fields, and in e_st whether there is one at all, whether it has ended.
e_read() {
    e_st=none e_z= e_uz= e_xz=
    [ -e "$e_p.p" ] || return
    e_st=marked
    {
        read -r e_x e_d e_w e_ws e_wb e_t0 e_mg e_z
        read -r e_x e_u e_us e_kp e_uz
        read -r e_x e_code e_sig e_to e_te e_lost e_held e_kill e_whys e_unsure e_t1 e_xz
    } <"$e_p.p"
    [ "$e_z" = . ] || e_d=- e_t0=0
    [ "$e_xz" != . ] || e_st=done
}

# The state: none, done, running, never (marked, but nothing was run) or lost (it ran, its end is unknown).
e_look() {
    e_read
    # A marker without its dot may be on its way: then a second is enough for it and for any other.
    [ "$e_st$e_z$e_slept" != marked ] || { e_slept=1; sleep 1; e_read; }
    [ $e_st = marked ] || return 0
    if [ "$e_wb" = "$e_boot" ] && e_alive "$e_w" "$e_ws"; then
        e_st=running
        return
    fi
    # It may have ended between the two looks.
    e_read
    [ $e_st = marked ] || return 0
    e_st=never
    [ "$e_uz" != . ] || e_st=lost
}

# Is one of the pumps that stayed with background children still there?
e_holding() {
    [ "$e_wb" = "$e_boot" ] || return
    e_x=$e_held
    while e_x=${e_x#,} && [ "$e_x" ] && [ "$e_x" != 0 ]; do
        e_y=${e_x%%,*}
        e_alive "${e_y%.*}" "${e_y#*.}" && return
        e_x=${e_x#"$e_y"}
    done
    return 1
}

# Sizes of the streams as they are now, in e_to and e_te. While it runs, its keeper's descriptors tell them without a
# process; the offsets of a keeper that has just ended cannot be read any more.
e_sizes() {
    e_to= e_te=0
    if [ "$e_st$e_uz" = running. ]; then
        read -r e_x e_to <"/proc/$e_kp/fdinfo/6"
        [ "$e_mg" = 1 ] || read -r e_x e_te <"/proc/$e_kp/fdinfo/8" || e_to=
    fi
    if [ -z "$e_to" ]; then
        e_to=$(wc -c <"$e_p.o")
        [ "$e_mg" = 1 ] || e_te=$(wc -c <"$e_p.e")
    fi
}

# e_raw FILE SIZE: its text in e_t, if it is short and plain enough to travel as it is.
e_raw() {
    [ "$2" -le 512 ] || return
    e_t= e_nl="
"
    while IFS= read -r e_l; do
        e_t=$e_t$e_l$e_nl
    done <"$1"
    e_t=$e_t$e_l
    case $e_t in *[!\ -~"$e_nl"]*) return 1 ;; esac
    [ ${#e_t} = "$2" ]
}

e_tools() {
    for e_x; do
        command -v $e_x >/dev/null || return
    done
}

# e_stream NAME OFFSET TOTAL: what there is of a stream from an offset on, at most e_in bytes.
e_stream() {
    e_n=$(($3 - $2))
    [ $e_n -le "$e_in" ] || e_n=$e_in
    [ $e_n -gt 0 ] || return
    if [ "$2" = 0 ] && e_raw "$e_p.$1" $e_n; then
        echo "raw $1 $2 $e_n"
        printf '%s\n' "$e_t"
    elif ! e_tools base64 head tail; then
        echo "none $1 $2 $e_n"
    else
        echo "b64 $1 $2 $e_n"
        if [ "$e_st.$e_h.$2.$e_n" = "done.0.0.$3" ]; then
            base64 <"$e_p.$1"
        else
            tail -c "+$(($2 + 1))" "$e_p.$1" | head -c $e_n | base64
        fi
    fi
}

# The answer (the request may have set e_native, the native runner's name): one line for the state, one for the folder, the streams, and a last line that proves completeness.
e_answer() {
    e_keys= e_h=0
    case $e_st in
    done)
        if [ "$e_held" != 0 ]; then
            # In this order: what is not held any more cannot grow after the look at its size.
            e_holding && e_h=1
            e_sizes
        fi
        [ -e "$e_p.o" ] || e_st=expired
        e_keys=" code=$e_code sig=$e_sig kill=$e_kill why=$e_whys unsure=$e_unsure lost=$e_lost held=$e_h t1=$e_t1"
        ;;
    running | lost) e_sizes ;;
    *) e_to=0 e_te=0 ;;
    esac
    [ $e_st = none ] || e_keys="$e_keys digest=$e_d t0=${e_t0:-0}"
    [ -z "$e_native" ] || [ -e "$e_dir/$e_native" ] || e_keys="$e_keys cpu=$(uname -m)"
    echo "EEP1 $e_no $e_st o=$((e_to)) e=$((e_te)) att=${e_att:-0}$e_keys ."
    echo "dir $e_dir"
    case $e_st in
    done | running | lost)
        e_stream o "$e_oo" "$e_to"
        e_stream e "$e_oe" "$e_te"
        ;;
    esac
    echo "EEP1 $e_no end"
}

# e_await MS: waits for the end, or (e_news) for bytes beyond the offsets, at most so long. Polls faster at first.
e_await() {
    e_clock
    e_end=$((e_now + $1)) e_nap=0.005
    while e_look; [ $e_st = running ]; do
        if [ "$e_news" = 1 ]; then
            e_sizes
            [ "$e_to" -le "$e_oo" ] && [ "$e_te" -le "$e_oe" ] || return
        fi
        e_clock
        [ "$e_now" -lt "$e_end" ] || return
        sleep $e_nap || sleep 1
        case $e_nap in 0.005) e_nap=0.01 ;; 0.01) e_nap=0.02 ;; *) e_nap=0.04 ;; esac
    done
}
