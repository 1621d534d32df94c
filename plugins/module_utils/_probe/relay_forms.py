# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Envelopes by which a host may relay mail against its policy. Text in, text out.

`PUBLIC` marks the forms that tests of open relays have tried since the nineties; the others are this collection's
own. `docs/open_relay.md` is made from this file.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import BadInput

PUBLIC, OWN = "public", "ours"
# Addresses and a literal that are nobody's (RFC 5737, RFC 3849).
NOBODYS = ("192.0.2.25", "2001:db8::25")
DOMAIN = r"[\w-]+(?:\.[\w-]+)+"


@dataclasses.dataclass(frozen=True)
class Form:
    """One envelope: the text after ``MAIL FROM:`` and ``RCPT TO:``, angle brackets included where it has them."""

    family: str
    name: str
    sender: str
    recipient: str
    tries: str
    origin: str = OWN
    # The client's name in its greeting, if the form lies about that.
    helo: str | None = None
    # A recipient that is offered first, to stand behind.
    before: str | None = None

    @property
    def international(self) -> bool:
        return not (self.sender + self.recipient).isascii()


@dataclasses.dataclass(frozen=True)
class Target:
    """The host that is asked, and addresses that do not belong to it."""

    domain: str
    hostname: str | None = None
    addresses: t.Sequence[str] = ()
    elsewhere: str = "somebody@example.com"
    stranger: str = "stranger@example.net"
    other_domain: str | None = None

    def check(self) -> None:
        """Check the addresses. Raises `BadInput`: the name of a form must hold for it, and no text may end a command."""
        for name in ("domain", "hostname", "other_domain"):
            value = getattr(self, name)
            if value is not None and not re.fullmatch(DOMAIN, value):
                raise BadInput(f"{name} '{value}' is not a domain name of two or more parts.")
        if self.other_domain and self.other_domain.lower() in (self.domain.lower(), (self.hostname or "").lower()):
            raise BadInput(f"other_domain '{self.other_domain}' is the host's main domain or name again; it is for another one.")
        for address in self.addresses:
            try:
                ipaddress.ip_address(address)
            except ValueError as e:
                raise BadInput(f"addresses has '{address}', which is neither an IPv4 nor an IPv6 address.") from e
        for name in ("elsewhere", "stranger"):
            value = getattr(self, name)
            if not re.fullmatch(rf"[\w-]+(?:\.[\w-]+)*@{DOMAIN}", value):
                raise BadInput(f"{name} '{value}' is not a plain mail address, such as somebody@example.com.")
            own = next((d for d in (self.domain, self.hostname, self.other_domain) if d and _lies_in(value.partition("@")[2], d)), None)
            if own:
                raise BadInput(f"{name} '{value}' lies in {own}, which is the host's own, so it would prove nothing; name one elsewhere.")

    @property
    def user(self) -> str:
        return self.elsewhere.partition("@")[0]

    @property
    def foreign(self) -> str:
        return self.elsewhere.partition("@")[2]

    @property
    def subdomain(self) -> str:
        return f"no-such-host.{self.domain}"

    def places(self) -> list[tuple[str, str]]:
        """Yield the places where an address can name the host itself: a name for the place, and its text."""
        found = [("domain", self.domain)]
        if self.hostname and self.hostname.lower() != self.domain.lower():
            found.append(("host name", self.hostname))
        for address in self.addresses:
            ip = ipaddress.ip_address(address)
            place = (f"IPv{ip.version} literal", f"[{'IPv6:' if ip.version == 6 else ''}{ip}]")
            if place[0] not in [name for name, _written in found]:
                found.append(place)
        if self.other_domain:
            found.append(("second domain", self.other_domain))
        return found

    def owns(self, recipient: str) -> bool:
        """Return whether the address belongs to the host by the standard: by the text after its last ``@``.

        A host with a catch-all may keep mail for such a recipient only. Mail for any other it can refuse, or relay.
        """
        path = recipient.rpartition(">")[0].rpartition("<")[2] or recipient
        _local, at, host = re.sub(r'"[^"]*"', "", path).rpartition("@")
        return bool(at) and host.lower() in {"localhost", *(written.lower() for _name, written in self.places())}


def _lies_in(domain: str, own: str) -> bool:
    return f".{domain.lower()}".endswith(f".{own.lower()}")


def forms(target: Target) -> list[Form]:
    """Return all forms for *target*, each under a name of its own."""
    families: tuple[t.Callable[[Target], t.Iterator[Form]], ...] = (
        _senders, _greetings, _percent, _bang, _routes, _doubled, _quoted, _spellings, _syntax, _gateways,
    )  # fmt: skip
    return [form for family in families for form in family(target)]


def names() -> set[str]:
    """Return the name of every form there is, also of those that need a second domain or both families of addresses."""
    return {f.name for f in forms(EXAMPLE)}


EXAMPLE = Target("example.org", "mail.example.org", ("198.51.100.25", "2001:db8::1"), other_domain="example.edu")


def _senders(target: Target) -> t.Iterator[Form]:
    domain, stranger = target.domain, target.stranger

    def form(name: str, sender: str, tries: str, origin: str = PUBLIC, **more: t.Any) -> Form:
        return Form("sender", name, sender, f"<{target.elsewhere}>", tries, origin, **more)

    yield form("plain", f"<{stranger}>", "A stranger writes to somebody elsewhere, without any disguise.")
    yield form("null sender", "<>", "A bounce must always be taken in, and so perhaps always passed on.")
    yield form("sender is the recipient", f"<{target.elsewhere}>", "Mail to oneself looks harmless.")
    for place, written in target.places():
        sender = f"<postmaster@{written}>"
        yield form(f"postmaster, {place}", sender, f"Someone of the host's own must be allowed to send; here by the {place}.")
    yield form("postmaster, subdomain", f"<postmaster@{target.subdomain}>", "The sender's domain ends like an own one.", OWN)
    yield form("postmaster, no domain", "<postmaster>", "Without a domain the host adds its own.")
    yield form("root, localhost", "<root@localhost>", "The name under which every host knows itself.")
    yield form("root, 127.0.0.1", "<root@[127.0.0.1]>", "The address that every host trusts, as a literal.", OWN)
    yield form("postmaster in capitals", f"<POSTMASTER@{domain.upper()}>", "The rule against own senders from outside minds case.", OWN)
    yield form("routed sender", f"<@{domain}:{stranger}>", "A source route through the host stands before the sender.", OWN)
    quoting = f'<"postmaster@{domain}"@{stranger.partition("@")[2]}>'
    yield form("sender quotes an own address", quoting, "A pattern finds the own domain somewhere in the sender.", OWN)
    vouched = f"<{stranger}> AUTH=postmaster@{domain}"
    yield form("sender is vouched for", vouched, "A parameter of MAIL says that somebody has logged in (RFC 4954).", OWN)
    behind = "The host's postmaster is the first recipient, and only the first one is looked at."
    yield form("behind an own recipient", f"<{stranger}>", behind, OWN, before=f"<postmaster@{domain}>")


def _greetings(target: Target) -> t.Iterator[Form]:
    own = target.hostname or target.domain
    for name, helo in (("own name", own), ("localhost", "localhost"), ("127.0.0.1", "[127.0.0.1]")):
        tries = f"The client says that it is {helo if name != 'own name' else 'the host itself'}."
        yield Form("greeting", f"greets as {name}", f"<{target.stranger}>", f"<{target.elsewhere}>", tries, helo=helo)


def _recipients(target: Target, family: str) -> t.Callable[..., Form]:
    """Return the makers of the forms of *family* that have the trick in the recipient."""

    def form(name: str, recipient: str, tries: str, origin: str = OWN) -> Form:
        return Form(family, name, f"<{target.stranger}>", recipient, tries, origin)

    return form


def _percent(target: Target) -> t.Iterator[Form]:
    form, hack = _recipients(target, "percent hack"), f"{target.user}%{target.foreign}"
    for place, written in target.places():
        tries = f"The host takes its own {place} away and reads the percent sign as an @."
        yield form(f"percent hack, {place}", f"<{hack}@{written}>", tries, OWN if place == "second domain" else PUBLIC)
    yield form("percent hack, localhost", f"<{hack}@localhost>", "The same with the name under which every host knows itself.")
    yield form("percent hack, subdomain", f"<{hack}@{target.subdomain}>", "The same with a name that ends like an own domain.")
    yield form("percent hack, no domain", f"<{hack}>", "Nothing need be taken away.")
    yield form("percent hack, quoted", f'<"{hack}">', "Quotes hide it from the first look.", PUBLIC)
    yield form("percent hack, quoted, domain", f'<"{hack}"@{target.domain}>', "Quotes are gone when the domain has been taken away.")
    yield form("percent hack, twice", f"<{hack}%localhost@{target.domain}>", "Two stations on the way.")


def _bang(target: Target) -> t.Iterator[Form]:
    form, path, domain = _recipients(target, "bang path"), f"{target.foreign}!{target.user}", target.domain
    for place, written in target.places():
        tries = f"The host takes its own {place} away and finds a path of UUCP."
        yield form(f"bang path, {place}", f"<{path}@{written}>", tries, OWN if place == "second domain" else PUBLIC)
    yield form("bang path, no domain", f"<{path}>", "A path of UUCP alone.", PUBLIC)
    yield form("bang path through the domain", f"<{domain}!{path}>", "A path whose first station is the host.")
    yield form("bang path, quoted, domain", f'<"{path}"@{domain}>', "Quotes are gone when the domain has been taken away.")
    yield form("bang and at", f"<{domain}!{target.elsewhere}>", "Whether the path or the @ goes first was never agreed on.")
    yield form("bang and percent", f"<{domain}!{target.user}%{target.foreign}>", "Both old notations, and no @.")
    yield form("bang and percent, domain", f"<{path}%localhost@{domain}>", "All three notations, one inside the other.")


def _routes(target: Target) -> t.Iterator[Form]:
    form, domain, foreign = _recipients(target, "source route"), target.domain, target.elsewhere
    for place, written in target.places():
        tries = f"The sender prescribes the way, and it leads over the host by its {place}."
        yield form(f"source route, {place}", f"<@{written}:{foreign}>", tries, OWN if place == "second domain" else PUBLIC)
    yield form("source route, localhost", f"<@localhost:{foreign}>", "The same with the name under which every host knows itself.")
    yield form("source route, two stations", f"<@{domain},@localhost:{foreign}>", "Two stations on the way.")
    yield form("source route and percent", f"<@{domain}:{target.user}%{target.foreign}@{domain}>", "A percent hack behind a route.")
    yield form("source route, elsewhere first", f"<@{target.foreign}:{foreign}>", "The way leads elsewhere at once.")


def _doubled(target: Target) -> t.Iterator[Form]:
    form, domain, foreign = _recipients(target, "doubled @"), target.domain, target.elsewhere
    for place, written in target.places():
        tries = f"The host takes its own {place} away, and a whole address is left."
        yield form(f"doubled @, {place}", f"<{foreign}@{written}>", tries, OWN if place == "second domain" else PUBLIC)
    yield form("doubled @, nothing behind it", f"<{foreign}@>", "An empty domain is the host's own.", PUBLIC)
    yield form("doubled @, foreign at the end", f"<{target.user}@{domain}@{target.foreign}>", "Some read the first @, some the last.")
    yield form("own domain before the @", f"<{target.user}%{domain}@{target.foreign}>", "A pattern finds the own domain somewhere.")


def _quoted(target: Target) -> t.Iterator[Form]:
    form, domain, foreign = _recipients(target, "quotes"), target.domain, target.elsewhere
    for place, written in target.places():
        tries = f"A whole address in quotes is the local part; the host takes its own {place} and the quotes away."
        yield form(f"quoted, {place}", f'<"{foreign}"@{written}>', tries, OWN if place == "second domain" else PUBLIC)
    yield form("quoted, no domain", f'<"{foreign}">', "Without a domain the host adds its own, or takes the quotes away.", PUBLIC)
    yield form("quoted, localhost", f'<"{foreign}"@localhost>', "The same with the name under which every host knows itself.")
    yield form("quoted user", f'<"{target.user}"@{target.foreign}>', "A foreign address that a pattern for plain ones does not match.")
    yield form("escaped @, domain", f"<{target.user}\\@{target.foreign}@{domain}>", "A backslash does what quotes do.")


def _spellings(target: Target) -> t.Iterator[Form]:
    form, user, domain, foreign = _recipients(target, "domain"), target.user, target.domain, target.foreign
    yield form("dot at the end", f"<{user}@{foreign}.>", "The same domain, and another text.")
    yield form("capitals", f"<{target.elsewhere.upper()}>", "The same domain, and another text.")
    yield form("subdomain", f"<{user}@{target.subdomain}>", "A subdomain of an own domain is not the host's own.")
    if target.other_domain:
        backup = "The host keeps mail for a domain as its backup, and for everything below it."
        yield form("subdomain, second domain", f"<{user}@no-such-host.{target.other_domain}>", backup)
    yield form("own domain in front", f"<{user}@{domain}.{foreign}>", "A pattern for the own domain does not look at its end.")
    yield form("own domain at the end", f"<{user}@not-{domain}>", "A pattern for the own domain does not look at its beginning.")
    v4, v6 = NOBODYS
    yield form("foreign IPv4 literal", f"<{user}@[{v4}]>", "Rules that look up names have nothing to look up.")
    yield form("foreign IPv4 address", f"<{user}@{v4}>", "An address without brackets is neither a name nor a literal.")
    yield form("foreign IPv6 literal", f"<{user}@[IPv6:{v6}]>", "Rules were written when addresses had four numbers.")


def _syntax(target: Target) -> t.Iterator[Form]:
    form, user, foreign, whole = _recipients(target, "syntax"), target.user, target.foreign, target.elsewhere
    head, _dot, tail = foreign.rpartition(".")
    yield form("no brackets", whole, "Old clients forget them; some hosts then check something else than they use.", PUBLIC)
    yield form("one bracket", f"<{whole}", "The end is missing.")
    yield form("doubled brackets", f"<<{whole}>>", "One pair is taken off before the check, and one after it.")
    yield form("space before", f" <{whole}>", "A blank where none belongs.")
    yield form("spaces inside", f"< {whole} >", "Blanks that are part of the text that is looked up.")
    yield form("name before", f'"postmaster@{target.domain}" <{whole}>', "Written as in a letter's head, with an own address as the name.")
    yield form("comment", f"<{whole}(@{target.domain})>", "A comment that makes the address end with the own domain.")
    yield form("original recipient", f"<{whole}> ORCPT=rfc822;postmaster@{target.domain}", "A parameter names an own address (RFC 3461).")
    umlaut, full_stop = "\N{LATIN SMALL LETTER U WITH DIAERESIS}", "\N{IDEOGRAPHIC FULL STOP}"
    yield form("letter beyond ASCII", f"<{user}{umlaut}@{foreign}>", "An internationalized address (RFC 6531).")
    yield form("ideographic full stop", f"<{user}@{head}{full_stop}{tail}>", "The same domain once it is prepared for DNS.")


def _gateways(target: Target) -> t.Iterator[Form]:
    form, user, foreign, domain = _recipients(target, "gateway"), target.user, target.foreign, target.domain
    wrapped = "".join(c if c.isalnum() else f"+{ord(c):02X}" for c in target.elsewhere)
    yield form("encapsulated", f"<IMCEASMTP-{wrapped}@{domain}>", "Exchange unwraps a foreign address, and once forgot to ask who sent it.")
    forged = f"<SRS0=aaaa=AA={foreign}={user}@{domain}>"
    yield form("forged return path", forged, "A rewriter of senders turns it back without checking its seal.")
