"""calls.py: what an environment can be asked for: one method a call, whoever makes it.

A method only says which call it is and what goes into its request. How the call is made (blocking or awaited) is the business
of _call in Env and in aio.AsyncEnv.
"""
from . import abi


class Calls:
    """Every call takes timeout_ms, grace_ms, trace_id and cancel (a Cancel) as well."""

    def probe(self, max_depth=0, **head):
        return self._call("probe", abi.ProbeRequest, abi.Probe, head, {"max_depth": max_depth})

    def acquire(self, idempotency_key=None, name_hint=None, labels=None, env=None, **head):
        fields = {"idempotency_key": idempotency_key, "name_hint": name_hint, "labels": labels, "env": env}
        return self._call("acquire_lease", abi.AcquireRequest, abi.Lease, head, fields)

    def resume(self, lease, **head):
        return self._call("resume_lease", abi.ResumeRequest, abi.Lease, head, {"lease": lease})

    def realize(self, lease, files=None, folders=(), root=None, **head):
        """files: {path: bytes or (bytes, mode)}"""
        sources = [{"kind": abi.SOURCE_DIR, "path": path} for path in folders]
        for path, content in (files or {}).items():
            data, mode = content if isinstance(content, tuple) else (content, 0)
            sources.append({"kind": abi.SOURCE_FILE, "path": path, "data": data, "mode": mode})
        fields = {"lease": lease, "root": root, "sources": sources}
        return self._call("realize_workspace", abi.RealizeRequest, abi.Workspace, head, fields)

    def execute(self, lease, command, on_output=None, detach=False, **fields):
        """command: a list (program and arguments), or a str (shell text). on_output(stream, bytes) gets the output while
        it comes; true stops the command. Other fields as in eep_execute_request: env, cwd, stdin_data,
        time_limit_ms, execution_id, ..."""
        head = _split_head(fields)
        head["flags"] = head.get("flags", 0) | (abi.EXECUTE_DETACH if detach else 0)
        what = {"script": command} if isinstance(command, (str, bytes)) else {"argv": command}
        fields = dict(fields, lease=lease, **what)
        return self._call("execute", abi.ExecuteRequest, abi.Execution, head, fields, on_output)

    def release(self, lease, mode=abi.RELEASE_BY_CONFIG, **head):
        return self._call("release", abi.ReleaseRequest, abi.Released, head, {"lease": lease, "mode": mode})

    # -- eep.execution/1

    def attach(self, lease, execution_id, on_output=None, wait=True, **fields):
        """The end of a command and its output from any byte (stdout_from, stderr_from) on."""
        head = _split_head(fields)
        head["flags"] = head.get("flags", 0) | (0 if wait else abi.ATTACH_NO_WAIT)
        fields = dict(fields, lease=lease, execution_id=execution_id)
        return self._call("eep.execution/1.attach", abi.AttachRequest, abi.Execution, head, fields, on_output)

    def kill(self, lease, execution_id, **head):
        fields = {"lease": lease, "execution_id": execution_id}
        return self._call("eep.execution/1.kill", abi.KillRequest, abi.Execution, head, fields)

    def list(self, lease, max=0, **head):
        """The executions that the lease knows are in `executions`."""
        fields = {"lease": lease, "max": max}
        return self._call("eep.execution/1.list", abi.ListRequest, abi.ExecutionList, head, fields)

    def drop(self, lease, execution_id, **head):
        fields = {"lease": lease, "execution_id": execution_id}
        return self._call("eep.execution/1.drop", abi.DropRequest, abi.Execution, head, fields)

    # -- eep.lease/1

    def lease_info(self, lease, **head):
        """What is told of a lease: `leases` has one line."""
        return self._call("eep.lease/1.get", abi.LeaseGetRequest, abi.Leases, head, {"lease": lease})

    def leases(self, cursor=None, states=0, all_owners=False, **head):
        """A page of leases; `next` is the cursor of the next page, None after the last."""
        head["flags"] = head.get("flags", 0) | (abi.LEASES_ALL if all_owners else 0)
        fields = {"cursor": cursor, "states": states}
        return self._call("eep.lease/1.list", abi.LeasesRequest, abi.Leases, head, fields)

    def keepalive(self, lease, until_ms, **head):
        fields = {"lease": lease, "until_ms": until_ms}
        return self._call("eep.lease/1.keepalive", abi.KeepaliveRequest, abi.Kept, head, fields)

    def reap(self, idle_ms, cursor=None, dry_run=False, all_owners=False, **head):
        """Deletes leases of a page that nobody has used for idle_ms; tells of each what became of it."""
        wanted = (abi.REAP_DRY_RUN if dry_run else 0) | (abi.REAP_ALL if all_owners else 0)
        head["flags"] = head.get("flags", 0) | wanted
        fields = {"cursor": cursor, "idle_ms": idle_ms}
        return self._call("eep.lease/1.reap", abi.ReapRequest, abi.Reaping, head, fields)

    def explain(self, lease, **head):
        """Why a lease does not work: what was looked at, in order, with evidence and advice."""
        return self._call("eep.lease/1.explain", abi.ExplainRequest, abi.Explanation, head, {"lease": lease})


def lost_lease(name, head, fields, result):
    """The lease of a call that succeeded too late: whoever made it has been interrupted. None if there is none, or if it can be
    found again, by its key or by its labels; then others may use it, too."""
    if name != "acquire_lease" or result is None or result.flags & abi.LEASE_REUSED:
        return None
    findable = fields["idempotency_key"] or head.get("flags", 0) & abi.ACQUIRE_REUSE
    return None if findable else result.lease


def _split_head(fields):
    names = ("flags", "timeout_ms", "grace_ms", "trace_id", "cancel")
    return {name: fields.pop(name) for name in names if name in fields}
