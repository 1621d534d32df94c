# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's options for a probe, checked, as dataclasses."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import password as core_password
from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput
from ansible_collections.postroom.mail.plugins.module_utils._probe.message import Message
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay import Relay
from ansible_collections.postroom.mail.plugins.module_utils._probe.relay_forms import Target
from ansible_collections.postroom.mail.plugins.module_utils._probe.tls import Trust
from ansible_collections.postroom.mail.plugins.module_utils._probe.wire import Stop, Wire

PORTS = {
    "smtp": {"none": 25, "starttls": 587, "implicit": 465},
    "imap": {"none": 143, "starttls": 143, "implicit": 993},
    "pop3": {"none": 110, "starttls": 110, "implicit": 995},
}
OUTCOMES = (
    "connected",
    "authenticated",
    "accepted",
    "delivered",
    "rejected",
    "deferred",
    "login_rejected",
    "not_arrived",
    "unreachable",
    "unresolved",
    "dropped",
    "timeout",
    "tls_failed",
    "untrusted",
    "withheld",
    "unsupported",
    "garbled",
)
STEPS = ("connect", "greeting", "ehlo", "tls", "auth", "mail", "rcpt", "data", "login", "select", "fetch")


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """One server to talk to, with port, TLS and login."""

    protocol: str
    host: str
    port: int
    tls: str
    trust: Trust
    user: str | None = None
    password: str | None = None
    mechanism: str | None = None
    allow_cleartext: bool = False
    source_address: str | None = None
    mailbox: str = "INBOX"

    def check(self) -> None:
        if not re.fullmatch(r"[^\s/@]+", self.host):
            raise BadInput(f"{self.protocol}: '{self.host}' is not a host name or an address.")
        if not 1 <= self.port <= 65535:
            raise BadInput(f"{self.protocol}: {self.port} is not a port number.")
        if (self.user is None) != (self.password is None):
            raise BadInput(f"{self.protocol}: user and password belong together.")
        wrong = None if self.password is None else core_password.not_text(self.password)
        if wrong:
            raise BadInput(f"{self.protocol}: the password {wrong}.")
        if re.search(r"[\x00\r\n]", f"{self.user}{self.password}{self.mailbox}"):
            raise BadInput(f"{self.protocol}: a user, a password or a mailbox name cannot hold a line end or a NUL.")
        if self.tls != "none":
            self.trust.check()

    def guard(self, cleartext: bool, wire: Wire) -> None:
        """Keep the password off an unencrypted connection, and out of the server's words from now on."""
        if cleartext and not wire.encrypted and not self.allow_cleartext:
            raise Stop("withheld", "the connection is not encrypted, so the password was not sent; allow_cleartext=true sends it")
        wire.hide(self.password or "")


@dataclasses.dataclass(frozen=True)
class Expectation:
    """The expected answers."""

    outcome: str
    reply_codes: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    answer: str | None = None
    capabilities: t.Mapping[str, t.Sequence[str]] = dataclasses.field(default_factory=dict)

    def check(self) -> None:
        for code in self.reply_codes:
            if not re.fullmatch(r"[2-5]([0-9]{2}|[0-9]?x{1,2})", code) or len(code) != 3:
                raise BadInput(f"reply_code '{code}' is neither a reply code, such as 554, nor a class of them, such as 5xx.")
        try:
            re.compile(self.answer or "")
        except re.error as e:
            raise BadInput(f"expect_answer is not a regular expression: {e}.") from e


@dataclasses.dataclass(frozen=True)
class Probe:
    """One row of the result, before it is run."""

    name: str
    expectation: Expectation
    smtp: Endpoint | None = None
    store: Endpoint | None = None
    message: Message | None = None
    message_id: str | None = None
    relay: Relay | None = None
    stop_after: str | None = None
    helo: str | None = None
    cleanup: bool = True
    timeout: float = 30.0

    def check(self) -> None:
        """Check the probe. Raises `BadInput` or `HostError`, naming the probe."""
        for part in (self.smtp, self.store, self.message, self.relay, self.expectation):
            if part:
                part.check()
        if not self.smtp and not self.store:
            raise BadInput("There is nobody to ask: give smtp, imap or pop3.")
        if self.timeout <= 0:
            raise BadInput("timeout must be more than 0 seconds.")
        if self.helo is not None and not re.fullmatch(r"[!-~]+", self.helo):
            raise BadInput(f"helo '{self.helo}' is not a host name or an address literal.")
        if self.message_id and re.search(r"[\s\"\\]", self.message_id):
            raise BadInput(f"message_id '{self.message_id}' is not a message identifier.")
        if self.relay:
            self._check_relay()
        if self.smtp and self.store:
            if self.message_id or self.stop_after:
                raise BadInput("message_id and stop_after are for a probe of one half, not for one that sends and fetches.")
            if not self.message:
                raise BadInput("A probe that sends and fetches needs a recipient.")
        if self.store and not self.store.user and (self.smtp or self.message_id):
            raise BadInput(f"{self.store.protocol}: fetching needs user and password.")

    def _check_relay(self) -> None:
        if not self.smtp or self.store or self.stop_after or self.message_id:
            raise BadInput("relay is a probe of its own: it goes with smtp, and with neither imap, pop3, message_id nor stop_after.")
        if self.smtp.user is not None:
            raise BadInput("relay asks what a stranger may do, so smtp cannot have a user.")

    @property
    def provokes(self) -> bool:
        """Return whether the probe wants a refusal such as a guesser of passwords gets."""
        return self.expectation.outcome == "login_rejected"


def probes(options: t.Mapping[str, t.Any]) -> list[Probe]:
    """Return all probes that the module's *options* ask for, checked. Raises `BadInput` and `HostError`."""
    if options.get("probes") is None:
        return [_probe(options, {}, options.get("name") or "probe")]
    single = [o for o in ("smtp", "imap", "pop3") if options.get(o) is not None]
    if single:
        raise BadInput(f"{', '.join(single)} stands beside probes: give it in the probes themselves.")
    if not options["probes"]:
        raise BadInput("The list of probes is empty, so nothing would be proved.")
    found = [_probe(p, options, p.get("name") or f"probe {n}") for n, p in enumerate(options["probes"], start=1)]
    names = [p.name for p in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise BadInput(f"Two probes have the same name: {', '.join(twice)}.")
    return found


def _probe(own: t.Mapping[str, t.Any], shared: t.Mapping[str, t.Any], name: str) -> Probe:
    def get(option: str, default: t.Any = None) -> t.Any:
        return next((m[option] for m in (own, shared) if m.get(option) is not None), default)

    try:
        probe = _build(get, name)
        probe.check()
    except BadInput as e:
        raise BadInput(f"Probe '{name}': {e}") from e
    return probe


def _build(get: t.Callable[..., t.Any], name: str) -> Probe:
    stores = [p for p in ("imap", "pop3") if get(p) is not None]
    if len(stores) > 1:
        raise BadInput("imap and pop3 are two ways to fetch: use two probes.")
    smtp = _endpoint("smtp", get) if get("smtp") is not None else None
    store = _endpoint(stores[0], get) if stores else None
    message = None
    relay = _relay(get, smtp) if get("relay") is not None else None
    if smtp and get("recipient") and not relay:
        message = Message(
            sender=get("sender", get("recipient")),
            recipient=get("recipient"),
            subject=get("subject"),
            body=get("body"),
            headers={k: str(v) for k, v in get("headers", {}).items()},
            size=get("size"),
        )
    codes = tuple(str(c).lower() for c in get("reply_code", []))
    expectation = Expectation(
        outcome=get("expect") or ("rejected" if relay else _usual_outcome(smtp, store, message, get("message_id"), get("stop_after"))),
        reply_codes=codes,
        steps=tuple(get("expect_step", [])),
        answer=get("expect_answer"),
        capabilities={k: tuple(v) for k, v in get("expect_capabilities", {}).items() if v},
    )
    return Probe(
        name=name,
        expectation=expectation,
        smtp=smtp,
        store=store,
        message=message,
        message_id=get("message_id"),
        relay=relay,
        stop_after=get("stop_after"),
        helo=get("helo"),
        cleanup=get("cleanup", True),
        timeout=get("timeout", 30.0),
    )


def _relay(get: t.Callable[..., t.Any], smtp: Endpoint | None) -> Relay:
    own = get("relay")
    # The name that its certificate must carry, or that it is reached by, is a name of the host's own.
    known = [smtp.trust.server_hostname, smtp.host] if smtp else []
    hostname = own.get("hostname") or next((name for name in known if name and re.search(r"\.[^\W\d][\w-]*$", name)), None)
    given = {name: own[name] for name in ("elsewhere", "stranger", "other_domain") if own.get(name)}
    target = Target(domain=own.get("domain") or "", hostname=hostname, addresses=tuple(own.get("addresses") or ()), **given)
    skip = tuple(own.get("skip") or ())
    return Relay(target, catch_all=bool(own.get("catch_all")), skip=skip, send=bool(own.get("send")), subject=get("subject"))


def _endpoint(protocol: str, get: t.Callable[..., t.Any]) -> Endpoint:
    own = get(protocol)
    host = own.get("host") or get("host")
    if not host:
        raise BadInput(f"{protocol}: which host? Give host.")
    tls = own.get("tls") or "implicit"
    mechanism = own.get("mechanism")
    return Endpoint(
        protocol=protocol,
        host=host[1:-1] if host.startswith("[") and host.endswith("]") else host,
        port=PORTS[protocol][tls] if own.get("port") is None else own["port"],
        tls=tls,
        trust=Trust(
            ca_file=get("ca_file"),
            ca_content=get("ca_content"),
            validate_certs=get("validate_certs", True),
            server_hostname=own.get("server_hostname") or get("server_hostname"),
            certificate_fingerprint=get("certificate_fingerprint"),
            tls_min_version=get("tls_min_version", "TLSv1.2"),
            tls_max_version=get("tls_max_version"),
        ),
        user=own.get("user"),
        password=own.get("password"),
        mechanism=mechanism.upper() if mechanism else None,
        allow_cleartext=bool(own.get("allow_cleartext")),
        source_address=get("source_address"),
        mailbox=own.get("mailbox") or "INBOX",
    )


def _usual_outcome(
    smtp: Endpoint | None, store: Endpoint | None, message: Message | None, message_id: str | None, stop_after: str | None
) -> str:
    """Return the expected outcome for a user who sets no O(expect)."""
    if store and (smtp or message_id):
        return "delivered"
    if message and stop_after in (None, "rcpt"):
        return "accepted"
    endpoint = smtp or store
    return "authenticated" if endpoint and endpoint.user and stop_after != "connect" else "connected"
