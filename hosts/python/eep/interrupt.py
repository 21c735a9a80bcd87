"""interrupt.py: calls that Ctrl-C ends.

Python runs signal handlers on the main thread, and only between its own steps: while that thread waits in the plugin there are
none. So it has another thread make the call, and waits where it can be interrupted. Nothing may get lost on the way, wherever in
here the handler raises: the call is made once, and waited for to its end.
"""
import threading


def _start_or_run(run):
    try:
        threading.Thread(target=run, name="eep-call").start()
    except RuntimeError:  # there may be no more threads, or the interpreter is ending: then nothing interrupts it
        run()


def interruptible(cancel, work, unwanted):
    """work(), or what a signal handler raises meanwhile: then cancel.fire() is called, and unwanted(what work gave all the
    same)."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome = []
    over = threading.Event()  # an interrupted Thread.join() forgets that the thread runs,
    mine = threading.Lock()  # and after an interrupted Thread.start() nobody knows whether it does

    def run():
        if not mine.acquire(blocking=False):
            return
        try:
            outcome.append((work(), None))
        except BaseException as raised:
            outcome.append((None, raised))
        over.set()

    begun, interrupted = False, None
    while not over.is_set():
        try:
            if not begun:
                _start_or_run(run)
            begun = True
            over.wait()
        except BaseException as raised:
            interrupted = raised
            cancel.fire()
    value, raised = outcome[0]
    if interrupted:
        try:
            if not raised:
                unwanted(value)
        except Exception as failed:
            raised = failed
        raise interrupted from raised
    if raised:
        raise raised
    return value
