# kill.sh: ends an execution, with what it has left behind in the background. One that never began is marked, so that
# it cannot begin later; so is one whose record has been removed, behind its end. The request has set e_rungs, e_window,
# e_news; uses ladder.sh.

e_bar() {
    set -C
    { echo "EEP1 - 0 0 $e_boot 0 0 ." >&3; } 3>"$e_p.p"
    set +C
}

e_folder || e_refuse folder
e_boots
e_look
# It may begin right now. A record comes before its mark: who bears that has one by now, or has lost it.
if [ $e_st = none ]; then
    e_marked
    [ "$e_away" ] || e_bar
    e_look
fi
e_after=
case $e_st in
none)
    if [ "$e_away" ]; then
        e_att=1
        e_ladder c $e_rungs
        e_bar
    fi
    ;;
running | lost) e_after=1 ;;
done) [ "$e_wb" != "$e_boot" ] || e_after=1 ;;
esac
if [ "$e_after" ]; then
    e_left=0
    e_ladder c $e_rungs || e_left=1
    e_await "$e_window"
    [ $e_left = 0 ] || e_unsure=1
    # The supervisor takes its notes away; those about what outlived it are ours.
    [ $e_st != done ] || rm -f "$e_p.k" "$e_p.k."*
fi
e_answer
