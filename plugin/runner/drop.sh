# drop.sh: removes the output of a finished execution. Marker and record stay: they keep it from being run again.
e_folder || e_refuse folder
e_boots
e_look
[ $e_st = done ] && ! e_holding && rm -f "$e_p.o" "$e_p.e"
e_answer
