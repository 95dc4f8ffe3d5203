"""A mail server for tests: it keeps what it takes as JSON, a file for each message.

Words: port, directory, then any of starttls, tls, auth, login-only, slow.
"""

import json
import pathlib
import ssl
import sys
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

port, directory, options = int(sys.argv[1]), pathlib.Path(sys.argv[2]), set(sys.argv[3:])


class Keeper:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.content.decode("ascii"),
            "tls": server.transport.get_extra_info("ssl_object") is not None,
        }
        (directory / f"{self.count}.json").write_text(json.dumps(kept))
        if "slow" in options:
            time.sleep(600)
        return f"250 2.0.0 queued as {self.count}"


def authenticate(server, session, envelope, mechanism, data):
    known = data.login == b"tools" and data.password == b"s3cret"
    return AuthResult(success=known, handled=False)


class TestedController(Controller):
    def factory(self):
        return SMTP(
            self.handler,
            data_size_limit=300_000,
            hostname="mail.test",
            tls_context=context if "starttls" in options else None,
            authenticator=authenticate,
            auth_required="auth" in options,
            auth_require_tls=False,
            auth_exclude_mechanism=["PLAIN"] if "login-only" in options else [],
        )


context = None
if options & {"starttls", "tls"}:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "server.crt", directory / "server.key")
TestedController(
    Keeper(), hostname="127.0.0.1", port=port, ssl_context=context if "tls" in options else None
).start()
threading.Event().wait()
