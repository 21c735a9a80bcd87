# list.sh: one line for each execution, the one that changed last first; at most e_most.
e_folder || e_refuse folder
e_boots
echo "EEP1 $e_no list ."
for e_f in $(cd "$e_dir" && QUOTING_STYLE=literal ls -t | grep '\.p$' | head -n "$e_most"); do
    e_p=$e_dir/${e_f%.p} e_h=0
    e_look
    case $e_st in
    none) continue ;;
    done)
        [ -e "$e_p.o" ] || e_st=expired
        e_holding && e_h=1
        [ "$e_held" = 0 ] || e_sizes
        ;;
    *)
        e_code=0 e_sig=0 e_t1=0 e_to=0 e_te=0
        [ $e_st = never ] || e_sizes
        ;;
    esac
    echo "x ${e_f%.p} $e_st $e_code $e_sig $e_h $((e_to)) $((e_te)) ${e_t0:-0} $e_t1"
done
echo "EEP1 $e_no end"
