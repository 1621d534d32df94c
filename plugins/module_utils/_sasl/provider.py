# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provider that checks the passwords of SMTP AUTH, for Postfix or for sendmail, with its files. Pure.

A smtpd that runs chrooted and one that does not may stand side by side in one master.cf, as in Debian's. Both have the
queue directory as their working directory, so a relative path to saslauthd's socket leads either of them there.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core import managed, secrets
from ansible_collections.postroom.mail.plugins.module_utils._core.host_and_port import parted

PROVIDERS = ("dovecot", "saslauthd", "sasldb", "none")
MTAS = ("postfix", "sendmail")
SCRAM = ("SCRAM-SHA-1", "SCRAM-SHA-224", "SCRAM-SHA-256", "SCRAM-SHA-384", "SCRAM-SHA-512")
# saslauthd is handed a password in clear; only who has the passwords themselves can answer a challenge.
SERVED = {"saslauthd": ("PLAIN", "LOGIN"), "sasldb": ("PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", *SCRAM)}
# The mechanisms in saslauthd(8); the host's own lists those it was built with.
SASLAUTHD_MECHANISMS = ("dce", "getpwent", "httpform", "kerberos4", "kerberos5", "ldap", "pam", "rimap", "sasldb", "shadow", "sia")

PAM_FILE = "/etc/pam.d/smtp"
LDAP_FILE = "/etc/saslauthd.conf"
DROP_IN = "/etc/systemd/system/saslauthd.service.d/postroom-mail.conf"
GROUP = "sasl"

_PACKAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "Debian": {"saslauthd": ("sasl2-bin",), "sasldb": ("sasl2-bin", "libsasl2-modules-db")},
    "RedHat": {"saslauthd": ("cyrus-sasl",), "sasldb": ("cyrus-sasl-lib",)},
}
_MECHANISM_PACKAGES = {
    "Debian": {".*": "libsasl2-modules"},
    "RedHat": {"PLAIN|LOGIN": "cyrus-sasl-plain", "CRAM-MD5|DIGEST-MD5": "cyrus-sasl-md5", "SCRAM-.*": "cyrus-sasl-scram"},
}
_PAM = {
    "Debian": "@include common-auth\n@include common-account\n",
    "RedHat": "auth include password-auth\naccount include password-auth\n",
}
# Root and the system's own accounts are refused before their password is looked at, as in the role dovecot.
_PEOPLE_ONLY = (
    "auth optional pam_faildelay.so delay=2000000\n"
    "auth [success=ignore user_unknown=ignore default=die] pam_succeed_if.so quiet uid >= {}\n"
)
# Both go into a line that a shell reads: nothing that means something to it.
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]*(/[A-Za-z0-9-]+)?")


class Saslauthd(t.NamedTuple):
    """The settings of saslauthd; *server* is the IMAP server of the mechanism rimap, *ldap* the content of saslauthd.conf."""

    mechanism: str = "pam"
    server: str = ""
    ldap: t.Mapping[str, t.Any] = {}
    join_realm: bool = False
    cache_seconds: int = 0
    processes: int = 5
    first_valid_uid: int = 1000


class Wanted(t.NamedTuple):
    provider: str = "dovecot"
    mechanisms: t.Sequence[str] = ("PLAIN", "LOGIN")
    saslauthd: Saslauthd = Saslauthd()
    replace: bool = False


def judge(option: str, value: t.Any, _saslauthd: t.Mapping[str, t.Any]) -> tuple[t.Any, set[str]] | None:
    """Return the secret settings of saslauthd.conf: the passwords of a database, of an LDAP directory, of a Windows domain."""
    return secrets.in_dictionary(value) if option == "ldap" else None


class Place(t.NamedTuple):
    """The places of files on this host.

    *chrooted*: whether any smtpd is; *native_unit*: whether saslauthd has a systemd unit of its own; *user*: the user that
    asks saslauthd, who joins the group with that right; empty for root.
    """

    os_family: str = "Debian"
    queue_directory: str = "/var/spool/postfix"
    chrooted: bool = False
    config_path: str = "/etc/postfix/sasl/smtpd.conf"
    native_unit: bool = True
    mta: str = "postfix"
    user: str = "postfix"

    @property
    def socket_directory(self) -> str:
        return f"{self.queue_directory}/var/run/saslauthd" if self.chrooted else self.default_socket_directory

    @property
    def default_socket_directory(self) -> str:
        return "/run/saslauthd" if self.os_family == "RedHat" else "/var/run/saslauthd"

    @property
    def settings_file(self) -> str:
        return "/etc/sysconfig/saslauthd" if self.os_family == "RedHat" else "/etc/default/saslauthd"

    @property
    def database_copy(self) -> str:
        """Return the path at which a chrooted smtpd looks for /etc/sasldb2."""
        return f"{self.queue_directory}/etc/sasldb2"


class File(t.NamedTuple):
    """A file that the collection writes whole or, as a *block*, at the end of a file of the package."""

    path: str
    text: str
    mode: int = 0o644
    block: bool = False
    secret: bool = False


def files(wanted: Wanted, place: Place) -> list[File]:
    """Return the files that the provider needs; the other ones of `paths` must go."""
    if wanted.provider == "sasldb":
        return [_smtpd_conf(wanted, {"pwcheck_method": "auxprop", "auxprop_plugin": "sasldb"}, place)]
    if wanted.provider != "saslauthd":
        return []
    # Without saslauthd_path the library goes to its own default place.
    path = {"saslauthd_path": "var/run/saslauthd/mux"} if place.chrooted else {}
    needed = [_smtpd_conf(wanted, {"pwcheck_method": "saslauthd", **path}, place), _settings(wanted.saslauthd, place)]
    if place.native_unit and place.chrooted:
        # The unit waits for a process id in the file that it knows, and gives up.
        needed.append(File(DROP_IN, f"{managed.HEADER}[Service]\nPIDFile={place.socket_directory}/saslauthd.pid\n"))
    if wanted.saslauthd.mechanism == "pam":
        needed.append(File(PAM_FILE, f"{managed.HEADER}{_PEOPLE_ONLY.format(wanted.saslauthd.first_valid_uid)}{_PAM[place.os_family]}"))
    if wanted.saslauthd.mechanism == "ldap":
        needed.append(File(LDAP_FILE, managed.HEADER + _options(wanted.saslauthd.ldap), 0o600, secret=True))
    return needed


def paths(place: Place) -> list[str]:
    """Return every file that the collection writes whole for one of the providers."""
    return [place.config_path, DROP_IN, PAM_FILE, LDAP_FILE]


def _smtpd_conf(wanted: Wanted, options: dict[str, str], place: Place) -> File:
    return File(place.config_path, managed.HEADER + _options({**options, "mech_list": wanted.mechanisms}))


def _options(options: t.Mapping[str, t.Any]) -> str:
    return "".join(f"{name}: {_value(value)}\n" for name, value in options.items())


def _value(value: t.Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _settings(daemon: Saslauthd, place: Place) -> File:
    flags = []
    if daemon.cache_seconds:
        flags += ["-c", "-t", str(daemon.cache_seconds)]
    if daemon.join_realm:
        flags.append("-r")
    # Not in MECH_OPTIONS: the init script puts -O before what stands there, the unit does not.
    if daemon.server:
        flags += ["-O", daemon.server]
    if place.os_family == "RedHat":
        settings = {"SOCKETDIR": place.socket_directory, "MECH": daemon.mechanism, "FLAGS": " ".join(["-n", str(daemon.processes), *flags])}
    else:
        settings = {
            "START": "yes",
            "MECHANISMS": daemon.mechanism,
            "MECH_OPTIONS": "",
            "THREADS": str(daemon.processes),
            "OPTIONS": " ".join(["-m", place.socket_directory, *flags]),
        }
    return File(place.settings_file, "".join(f'{name}="{value}"\n' for name, value in settings.items()), block=True)


def parse_options(text: str) -> dict[str, str]:
    """Parse the options of a configuration file of Cyrus SASL: ``name: value`` a line."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line and not line.lstrip().startswith("#"))
    return {name.strip().lower(): value.strip() for name, value in pairs}


def parse_settings(text: str) -> dict[str, str]:
    """Parse the assignments of a file that a shell, or systemd as an EnvironmentFile, reads."""
    found = re.findall(r"^\s*([A-Z_]+)=(.*?)\s*$", text, re.MULTILINE)
    return {name: value[1:-1] if value[:1] in ("'", '"') and value[-1:] == value[:1] and len(value) > 1 else value for name, value in found}


def parse_saslauthd_version(text: str) -> list[str]:
    """Return the mechanisms that ``saslauthd -v`` lists, in its order."""
    match = re.search(r"^authentication mechanisms:(.*)$", text, re.MULTILINE)
    return match.group(1).split() if match else []


def parameters(provider: str, path: str, realm: str) -> dict[str, str]:
    """Return the parameters of main.cf that name the provider; *path* is Dovecot's socket, *realm* that of logins without one."""
    if provider == "dovecot":
        return {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": path, "smtpd_sasl_local_domain": ""}
    # Of Cyrus SASL the path is the name of the configuration file, without its .conf.
    return {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd", "smtpd_sasl_local_domain": realm}


def packages(wanted: Wanted, os_family: str) -> list[str]:
    """Return the packages that the provider needs in this family of distributions."""
    named = list(_PACKAGES.get(os_family, {}).get(wanted.provider, ()))
    if wanted.provider in SERVED:
        for pattern, package in _MECHANISM_PACKAGES.get(os_family, {}).items():
            if any(re.fullmatch(pattern, mechanism, re.IGNORECASE) for mechanism in wanted.mechanisms):
                named.append(package)
    return named


def problems(wanted: Wanted, known: t.Sequence[str] = (), mta: str = "postfix") -> list[str]:
    """Report each problem with the settings of the role; *known* are the mechanisms that this host's saslauthd has."""
    known_here = PROVIDERS[1:] if mta == "sendmail" else PROVIDERS[:-1]
    if wanted.provider not in PROVIDERS:
        return [f"sasl_provider is '{wanted.provider}', and must be one of {', '.join(known_here[:-1])} and {known_here[-1]}."]
    if mta == "sendmail" and wanted.provider == "dovecot":
        return [
            "sasl_provider is dovecot, whose socket sendmail cannot ask: set it to saslauthd (which can ask Dovecot as an IMAP server,"
            " by its mechanism rimap) or to sasldb."
        ]
    if mta == "postfix" and wanted.provider == "none":
        return [
            "sasl_provider is none, so nobody could log in on the submission ports of Postfix: set postfix_submission to false to have"
            " none of these, or sasl_provider to dovecot, saslauthd or sasldb."
        ]
    if wanted.provider not in SERVED:
        return []
    found = _mechanism_problems(wanted)
    return found + _saslauthd_problems(wanted.saslauthd, known) if wanted.provider == "saslauthd" else found


def _mechanism_problems(wanted: Wanted) -> list[str]:
    served = SERVED[wanted.provider]
    if not wanted.mechanisms:
        return ["sasl_mechanisms is empty, so nobody could log in: name at least PLAIN, which every client knows."]
    unserved = [mechanism for mechanism in map(str.upper, wanted.mechanisms) if mechanism not in served]
    if not unserved:
        return []
    way_out = f"it serves {', '.join(served)}"
    if wanted.provider == "saslauthd" and set(unserved) <= set(SERVED["sasldb"]):
        way_out += "; sasl_provider sasldb, which keeps the passwords themselves, could"
    return [f"sasl_mechanisms has {', '.join(unserved)}, which the provider {wanted.provider} cannot serve: {way_out}."]


def _saslauthd_problems(daemon: Saslauthd, known: t.Sequence[str]) -> list[str]:
    found = []
    if daemon.mechanism not in (known or SASLAUTHD_MECHANISMS):
        source = "the saslauthd of this host has" if known else "saslauthd knows"
        found.append(f"sasl_saslauthd_mechanism is '{daemon.mechanism}': {source} {', '.join(known or SASLAUTHD_MECHANISMS)}.")
    if daemon.mechanism == "rimap" and not daemon.server:
        found.append(
            "sasl_saslauthd_mechanism is rimap, so sasl_saslauthd_server must name the IMAP server that is asked, as host or host/port."
        )
    host_and_port = parted(daemon.server)
    if host_and_port:
        found.append(
            f"sasl_saslauthd_server is '{daemon.server}', and the port must stand behind a slash: write"
            f" {host_and_port[0]}/{host_and_port[1]}."
        )
    elif daemon.server and not _SERVER.fullmatch(daemon.server):
        found.append(f"sasl_saslauthd_server is '{daemon.server}', which is not of the form host or host/port.")
    if daemon.mechanism == "ldap":
        found += _ldap_problems(daemon.ldap)
    if not re.fullmatch("0*[1-9][0-9]*", str(daemon.processes)):
        found.append(f"sasl_saslauthd_processes is {daemon.processes}; saslauthd needs at least 1.")
    if not re.fullmatch("[0-9]+", str(daemon.cache_seconds)):
        found.append(f"sasl_saslauthd_cache_seconds is {daemon.cache_seconds}; 0 means that nothing is remembered.")
    return found


def _ldap_problems(settings: t.Any) -> list[str]:
    # A value is never shown: one of them is a password.
    if not isinstance(settings, t.Mapping):
        return ["sasl_saslauthd_ldap must be a dictionary: write each setting of saslauthd.conf by its name, such as ldap_servers."]
    found = []
    if not settings.get("ldap_servers"):
        found.append("sasl_saslauthd_mechanism is ldap, so sasl_saslauthd_ldap must have ldap_servers, such as ldap://ldap.example.org/.")
    misnamed = [str(name) for name in settings if not re.fullmatch(r"ldap_\w+", str(name))]
    if misnamed:
        found.append(f"sasl_saslauthd_ldap has {', '.join(misnamed)}; the settings of saslauthd.conf all begin with ldap_.")
    found += [
        f"sasl_saslauthd_ldap: {name} {secrets.misread(str(name), value)}."
        for name, value in settings.items()
        if secrets.misread(str(name), value)
    ]
    broken = [str(name) for name, value in settings.items() if value is None or re.search(r"[\r\n\0]", _value(value))]
    if broken:
        found.append(f"sasl_saslauthd_ldap has a value that is not one line of text: {', '.join(broken)}.")
    return found


class Foreign(t.NamedTuple):
    """The parts that the collection did not set up: configuration files, and a running saslauthd."""

    files: t.Sequence[str] = ()
    daemon: bool = False


def conflicts(wanted: Wanted, foreign: Foreign, config_path: str) -> list[str]:
    """Report each part from another source that would be replaced. A PAM file is used as it is."""
    if wanted.replace or wanted.provider not in SERVED:
        return []
    asks_ldap = wanted.provider == "saslauthd" and wanted.saslauthd.mechanism == "ldap"
    found = [
        f"{path} was written by somebody else: to replace it, and keep a backup beside it, set sasl_replace_config to true."
        for path in foreign.files
        if path == config_path or (path == LDAP_FILE and asks_ldap)
    ]
    if wanted.provider == "saslauthd" and foreign.daemon:
        found.append(
            "saslauthd already runs as somebody else has set it up, maybe for another service:"
            " to replace its settings, set sasl_replace_config to true."
        )
    return found


def chrooted_services(services: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Return the services of master.cf that accept mail from clients and run chrooted."""
    return [name for name, service in services.items() if service["command"] == "smtpd" and service["chroot"]]


def known_as(logins: str, realms: t.Iterable[str], person_of: str = "") -> str:
    """Return the same logins as owners of a sender address, with every name that Cyrus SASL accepts for them.

    It hands Postfix the name as the client gave it, so that alice may be ``alice@mail.example.org`` as well. *person_of* is
    the realm of the address, if each name in that realm is another person.
    """
    names = [name.strip() for name in logins.split(",") if name.strip()]
    if person_of:
        return ", ".join(name if "@" in name else f"{name}@{person_of}" for name in names)
    everything = [form for name in names for form in (name, *(f"{name}@{realm}" for realm in realms if "@" not in name))]
    return ", ".join(dict.fromkeys(everything))


def realms(wanted: Wanted, realm: str, domains: t.Sequence[str]) -> list[str]:
    """Return the realms in which a login is the same person as without any: that of the host, and the domains of its accounts.

    A saslauthd that is asked for whole names may know another person in each of these.
    """
    if wanted.provider not in SERVED:
        return []
    return [realm] if joins_realm(wanted) else list(dict.fromkeys([realm, *domains]))


def joins_realm(wanted: Wanted) -> bool:
    return wanted.provider == "saslauthd" and bool(wanted.saslauthd.join_realm)


def known_mailboxes(wanted: Wanted, mailboxes: t.Iterable[str], users: t.Iterable[t.Mapping[str, t.Any]] = ()) -> list[str]:
    """Return those of the addresses of virtual *mailboxes* by which only their owner can log in, so that they can own a sender address.

    saslauthd drops the realm unless it is configured to join it: otherwise any carol gets in as ``carol@shop.example``.
    """
    if wanted.provider == "dovecot" or joins_realm(wanted):
        return list(mailboxes)
    if wanted.provider == "saslauthd":
        return []
    present = [user for user in users if user.get("state", "present") == "present"]
    identities = {user["name"] if "@" in user["name"] else f"{user['name']}@{user.get('realm', '')}" for user in present}
    return [address for address in mailboxes if address in identities]


def other_realms(users: t.Iterable[t.Mapping[str, t.Any]], home: t.Sequence[str]) -> list[str]:
    """Return further realms of *users*, in which the same name is another person."""
    named = [user["name"].partition("@")[2] or user.get("realm") for user in users]
    return [realm for realm in dict.fromkeys(named) if realm and realm not in home]


def accounts(users: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return the users of the inventory, reduced to their SASL account; the rest belongs to their system accounts."""
    known = ("name", "realm", "state")
    return [
        {
            **{key: str(user[key]) for key in known if user.get(key) is not None},
            **({} if user.get("password") is None else {"password": user["password"]}),
        }
        for user in users
    ]
