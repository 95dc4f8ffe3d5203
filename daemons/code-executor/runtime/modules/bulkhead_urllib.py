"""Gives urllib.request the platform's way out: there is no network in the sandbox."""
import base64
import http.client
import io
import urllib.error
import urllib.response

import bulkhead


def install(request):
    """Makes `urlopen` go through the platform; `request` is the module urllib.request."""

    class Way(request.BaseHandler):
        # Before the handlers that would open a socket.
        handler_order = 100

        def http_open(self, asked):
            try:
                answer = bulkhead.fetch(
                    method=asked.get_method(),
                    url=asked.full_url,
                    headers=asked.header_items(),
                    body=asked.data if asked.data is None else bytes(asked.data),
                    # urllib follows them itself, by its own handlers.
                    redirect="manual",
                )
            except bulkhead.FetchError as error:
                raise urllib.error.URLError(str(error)) from None
            headers = http.client.HTTPMessage()
            for name, value in answer["headers"]:
                headers[name] = value
            body = io.BytesIO(base64.b64decode(answer["body"]))
            response = urllib.response.addinfourl(body, headers, answer["url"], answer["status"])
            response.msg = http.client.responses.get(answer["status"], "")
            return response

        https_open = http_open

    request.install_opener(request.build_opener(Way))
