"""wire.py: one HTTP request to a toolbox, and its answer in a form that two servers can be compared in.

What differs from run to run and means nothing is replaced: times by <time>, ids by <id>, sizes of directories by <size>, the home
directory by {home}. Everything else stays, down to the spelling of a body that is not JSON.
"""
import http.client
import json
import re
import socket
import urllib.parse

# The year keeps files whose time a case has set itself (2001) out of this.
_TIMES = [
    re.compile(r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    re.compile(r"20[2-9]\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? [+-]\d{4} [A-Z]+"),
    re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} 20[2-9]\d \d\d:\d\d:\d\d GMT"),
]
_PID = re.compile(r"(: line \d+:) +\d+ ")  # bash tells which process a signal ended
_HEADERS = {
    "accept-ranges", "allow", "cache-control", "content-description", "content-disposition", "content-range",
    "content-transfer-encoding", "content-type", "expires", "last-modified", "location", "pragma", "x-request-id",
}
LIMIT_S = 40


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # of http.client
        self.body = body

    def json(self):
        return json.loads(self.body)

    @property
    def is_json(self):
        return (self.headers.get("Content-Type") or "").startswith("application/json")


class Toolbox:
    """The toolbox of one sandbox. base is http://HOST:PORT[/toolbox/ID]."""

    def __init__(self, base, token=None):
        url = urllib.parse.urlsplit(base)
        self.host, self.port, self.prefix = url.hostname, url.port or 80, url.path.rstrip("/")
        self.token = token
        self.home = self.request("GET", "/user-home-dir").json()["dir"]

    def _head(self, headers):
        head = {"Host": "%s:%d" % (self.host, self.port), "Connection": "close"}
        if self.token:
            head["Authorization"] = "Bearer " + self.token
        return {**head, **headers}

    def request(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=LIMIT_S)
        try:
            connection.request(method, self.prefix + target, body=body, headers=self._head(headers or {}),
                               encode_chunked=headers is not None and "Transfer-Encoding" in headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def abandon(self, method, target, body, headers, after_s):
        """Sends a whole request and closes the connection after_s later, without having read the answer."""
        head = {**self._head(headers), "Content-Length": str(len(body))}
        lines = ["%s %s HTTP/1.1" % (method, self.prefix + target)] + ["%s: %s" % pair for pair in head.items()]
        with socket.create_connection((self.host, self.port), timeout=LIMIT_S) as connection:
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            connection.settimeout(after_s)
            try:
                connection.recv(1)
                raise AssertionError("answered before the connection could be closed: %s" % target)
            except socket.timeout:
                pass


def _replace_passing(text):
    for pattern in _TIMES:
        text = pattern.sub("<time>", text)
    return _PID.sub(r"\1 <pid> ", text)


def _text(data, home):
    """Bytes as text that JSON can carry and that loses nothing: what is not UTF-8 becomes \\xNN."""
    return _replace_passing(data.decode("utf-8", "backslashreplace")).replace(home, "{home}")


def _value(value, home):
    if isinstance(value, str):
        return _text(value.encode("utf-8", "surrogatepass"), home)
    if isinstance(value, list):
        return [_value(item, home) for item in value]
    if isinstance(value, dict):
        size = {"size": "<size>"} if value.get("isDir") is True and "size" in value else {}
        return {key: _value(item, home) for key, item in {**value, **size}.items()}
    return value


def _headers(answer, home):
    kept = {}
    for name, value in answer.headers.items():
        if name.lower() in _HEADERS:
            kept[name.lower()] = "<id>" if name.lower() == "x-request-id" else _text(value.encode("latin-1"), home)
    # A length says something about a file; JSON with a time in it is now and then a digit shorter.
    if not answer.is_json:
        chunked = answer.headers.get("Transfer-Encoding") == "chunked"
        kept["framing"] = "chunked" if chunked else "length " + (answer.headers.get("Content-Length") or "absent")
    return dict(sorted(kept.items()))


def normalise(answer, home, spelling=False):
    """spelling: keep a JSON body as the text that it is, to compare escapes."""
    if answer.is_json and not spelling:
        body = _value(answer.json(), home)
    else:
        body = _text(answer.body, home)
    return {"status": answer.status, "headers": _headers(answer, home), "body": body}
