# attach.sh: answers when there is news of an execution, when it has ended, or when the window is over. The request has
# set e_news and e_window.
e_folder || e_refuse folder
e_boots
e_await "$e_window"
e_answer
