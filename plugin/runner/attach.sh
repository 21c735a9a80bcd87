# attach.sh: answers when there is news of an execution, when it has ended, or when the window is over. The request has
# set e_news and e_window.
e_folder || e_refuse folder
e_boots
e_await "$e_window"
# Somebody bears its mark: it has been started, and its record has been removed; unless it has been started just now: a
# record comes before its mark.
if [ $e_st = none ] && grep -qs "EEP_EXECUTION=$e_id:" /proc/[0-9]*/environ; then
    e_look
    [ $e_st != none ] || e_att=1
fi
e_answer
