"""What most code uses of `requests`, over the platform's own way out.

There is no network in the sandbox: a request goes to the platform, which makes it if an administrator allows the host. Connections,
proxies and certificates are its business, so `verify`, `cert` and `proxies` are taken and have no effect.
"""
import base64 as _base64
import datetime as _datetime
import http as _http
import json as _json
import time as _time
from urllib.parse import urlencode as _urlencode, urlsplit as _urlsplit, urlunsplit as _urlunsplit

import bulkhead as _bulkhead

from . import auth, exceptions
from .exceptions import ConnectionError, HTTPError, JSONDecodeError, RequestException, Timeout
from .structures import CaseInsensitiveDict

codes = type("codes", (), {status.name.lower(): status.value for status in _http.HTTPStatus})


class Response:
    """An answer, whatever its status."""

    def __init__(self, answer, elapsed):
        self.status_code = answer["status"]
        self.url = answer["url"]
        self.headers = CaseInsensitiveDict()
        for name, value in answer["headers"]:
            self.headers[name] = f"{self.headers[name]}, {value}" if name in self.headers else value
        self.content = _base64.b64decode(answer["body"])
        self.encoding = _charset(self.headers.get("content-type", ""))
        self.elapsed = elapsed
        self.history = []
        self.is_redirect = self.status_code in (301, 302, 303, 307, 308) and "location" in self.headers

    @property
    def ok(self):
        return self.status_code < 400

    @property
    def reason(self):
        try:
            return _http.HTTPStatus(self.status_code).phrase
        except ValueError:
            return ""

    @property
    def text(self):
        return self.content.decode(self.encoding or "utf-8", "replace")

    def json(self, **options):
        try:
            return _json.loads(self.content, **options)
        except ValueError as error:
            raise JSONDecodeError(str(error)) from None

    def raise_for_status(self):
        if not self.ok:
            side = "Client" if self.status_code < 500 else "Server"
            raise HTTPError(f"{self.status_code} {side} Error: {self.reason} for url: {self.url}", response=self)

    def iter_content(self, chunk_size=1, decode_unicode=False):
        whole = self.text if decode_unicode else self.content
        size = chunk_size or max(len(whole), 1)
        return (whole[at : at + size] for at in range(0, len(whole), size))

    def iter_lines(self, decode_unicode=False, **_):
        return iter((self.text if decode_unicode else self.content).splitlines())

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def __bool__(self):
        return self.ok

    def __repr__(self):
        return f"<Response [{self.status_code}]>"


class Session:
    """Defaults for several requests."""

    def __init__(self):
        self.headers = CaseInsensitiveDict()
        self.params = {}
        self.auth = None
        self.verify = True

    def request(self, method, url, params=None, data=None, json=None, headers=None, auth=None, allow_redirects=True,
                timeout=None, cookies=None, files=None, stream=False, verify=None, cert=None, proxies=None):
        if files:
            raise NotImplementedError("files= is not available here: build the body yourself and pass it as data=")
        sent = CaseInsensitiveDict({**self.headers, **(headers or {})})
        sent = CaseInsensitiveDict({name: value for name, value in sent.items() if value is not None})
        body = _body(data, json, sent)
        if cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        _authorize(auth or self.auth, sent)
        started = _time.monotonic()
        try:
            answer = _bulkhead.fetch(
                method=method.upper(),
                url=_with_params(url, {**self.params, **params} if isinstance(params, dict) else params or self.params),
                headers=[(name, value if isinstance(value, str) else str(value)) for name, value in sent.items()],
                body=body,
                redirect="follow" if allow_redirects else "manual",
            )
        except _bulkhead.FetchError as error:
            raise ConnectionError(str(error)) from None
        return Response(answer, _datetime.timedelta(seconds=_time.monotonic() - started))

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options)

    def head(self, url, **options):
        return self.request("HEAD", url, **{"allow_redirects": False, **options})

    def post(self, url, data=None, json=None, **options):
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url, data=None, **options):
        return self.request("PUT", url, data=data, **options)

    def patch(self, url, data=None, **options):
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options)

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


session = Session


def request(method, url, **options):
    return Session().request(method, url, **options)


def get(url, params=None, **options):
    return request("GET", url, params=params, **options)


def options(url, **more):
    return request("OPTIONS", url, **more)


def head(url, **options):
    return Session().head(url, **options)


def post(url, data=None, json=None, **options):
    return request("POST", url, data=data, json=json, **options)


def put(url, data=None, **options):
    return request("PUT", url, data=data, **options)


def patch(url, data=None, **options):
    return request("PATCH", url, data=data, **options)


def delete(url, **options):
    return request("DELETE", url, **options)


def _with_params(url, params):
    if not params:
        return url
    query = params if isinstance(params, str) else _urlencode(params, doseq=True)
    parts = _urlsplit(url)
    return _urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def _body(data, json, headers):
    if json is not None and not data:
        headers.setdefault("Content-Type", "application/json")
        return _json.dumps(json, allow_nan=False).encode()
    if data is None:
        return None
    if hasattr(data, "read"):
        data = data.read()
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    return _urlencode(data, doseq=True).encode()


def _authorize(given, headers):
    if isinstance(given, tuple):
        given = auth.HTTPBasicAuth(*given)
    if given:
        given(type("PreparedRequest", (), {"headers": headers}))


def _charset(content_type):
    for part in content_type.split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "charset":
            try:
                "".encode(value.strip("\"' "))
                return value.strip("\"' ")
            except LookupError:
                return None
    return None
