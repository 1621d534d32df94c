# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of the role dovecot: dovecot.conf, and the files that it names. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError
from ansible_collections.postroom.mail.plugins.module_utils._dovecot import databases, dialect, findings, secrets
from ansible_collections.postroom.mail.plugins.module_utils._dovecot.facts import CONFIG_DIRECTORY, CONFIG_PATH, PAM_SERVICE_FILE
from ansible_collections.postroom.mail.plugins.module_utils._plan import dovecot_packages, dovecot_pam, dovecot_variables, proof
from ansible_collections.postroom.mail.plugins.module_utils._plan.dovecot_neutral_settings import neutral_settings
from ansible_collections.postroom.mail.plugins.module_utils._plan.part import Facts, File, Offers, Options, Part

Variables = dovecot_variables.Variables

# All that it may want to have installed, on a host of any family.
PACKAGES = tuple(dict.fromkeys(name for family in dovecot_packages.BY_FAMILY.values() for name in family))
# Where Postfix asks whether a mailbox is full, relative to its queue directory.
QUOTA_SERVICE = "unix:private/quota-status"
# Files that are read last, and are not the role's.
LOCAL_FILES = re.compile(rf"{CONFIG_DIRECTORY}/local\.(conf$|d/)")


def offers(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Offers:
    given = t.cast("Variables", variables)
    return dataclasses.replace(
        offers,
        mail_location=str(given["dovecot_mail_location"]),
        mailbox_uids=(int(given["dovecot_first_valid_uid"]), int(given["dovecot_last_valid_uid"])),
        userdb_drivers=[str(entry.get("driver", "")) for entry in given["dovecot_userdbs"]],
        dovecot_version=_version(facts),
        quota_service=QUOTA_SERVICE if _has_quota(variables) else "",
    )


def plan(variables: t.Mapping[str, t.Any], facts: Facts, offers: Offers) -> Part:
    given = dovecot_variables.completed(variables, facts, offers)
    mailbox_domains = (offers.virtual_mailboxes or {}).get("domains", [])
    neutral = neutral_settings(given, mailbox_domains, has_quota=_has_quota(variables))
    problems, settings, files = _in_its_language(neutral, given, facts)
    foreign = _foreign_files(facts)
    first_uid, last_uid = int(given["dovecot_first_valid_uid"]), int(given["dovecot_last_valid_uid"])
    probes, delivery = ([], []) if problems else _proof(variables, given, offers)
    return Part(
        problems=[*problems, *_refused(foreign, given)],
        packages=dovecot_packages.packages(given, facts.get("host", {}).get("os_family", "")),
        settings=settings,
        virtual_users=given["dovecot_virtual_users"],
        files=[*files, File(PAM_SERVICE_FILE, dovecot_pam.service(first_uid, last_uid))],
        former_files=[] if problems else _former_files(neutral, files, facts),
        former_sockets=_former_sockets(given),
        foreign_files=foreign,
        probes=probes,
        delivery=delivery,
    )


def _version(facts: Facts) -> str:
    """In whose language dovecot.conf is written: the host's Dovecot decides, and before there is one the distribution."""
    host = facts.get("host", {})
    to_come = dovecot_packages.version_to_come(host.get("distribution", ""), host.get("distribution_major_version", ""))
    return str(facts.get("dovecot", {}).get("version") or to_come)


def _has_quota(variables: t.Mapping[str, t.Any]) -> bool:
    """Tell if any mailbox has a quota."""
    return bool(str(variables["dovecot_quota"] or "")) or any("quota" in user for user in variables["host_virtual_users"])


def _in_its_language(neutral: t.Mapping[str, t.Any], given: Variables, facts: Facts) -> tuple[list[str], dict[str, t.Any], list[File]]:
    """Give the problems of the *neutral* settings; without any, the settings of dovecot.conf and the files that it names."""
    version, more = _version(facts), given["dovecot_settings"]
    found = findings.problems(neutral, version, more, facts.get("listeners", ()))
    if found:
        return found, {}, []
    try:
        files = databases.files(neutral, version)
        settings, with_secrets = secrets.parted(dialect.translate(neutral, version, more))
    except MailError as e:
        return [str(e)], {}, []
    # Those that end in .ext Dovecot reads when it is told to.
    read_once = {file.path: "dovecot" if file.path.endswith(".ext") else "" for file in (*files, *with_secrets)}
    return [], settings, [File(file.path, file.content, file.mode, True, read_once[file.path]) for file in (*files, *with_secrets)]


def _proof(variables: t.Mapping[str, t.Any], given: Variables, offers: Offers) -> tuple[list[Options], list[Options]]:
    protocols, ports, listen = given["dovecot_protocols"], given["dovecot_ports"], given["dovecot_listen"]
    return proof.of_mailboxes(protocols, ports, listen), proof.of_delivery(variables, protocols, ports, listen, offers.smtp_host)


def _foreign_files(facts: Facts) -> list[str]:
    """Files of somebody else's configuration that dovecot.conf would no longer read, or replace."""
    dovecot = facts.get("dovecot", {})
    return [] if dovecot.get("managed") else [path for path in dovecot.get("modified_files", ()) if not LOCAL_FILES.match(path)]


def _refused(foreign: t.Sequence[str], given: Variables) -> t.Iterator[str]:
    if foreign and not given["dovecot_replace_config"]:
        yield (
            f"The Dovecot of this host was configured by somebody else, in {', '.join(foreign)}."
            f" The role dovecot writes {CONFIG_PATH} anew and no longer reads conf.d, so what these files set would be lost."
            f" Carry it over into dovecot_settings or {CONFIG_DIRECTORY}/local.d/*.conf, and set dovecot_replace_config to true;"
            " the present dovecot.conf is then kept as a backup beside it."
        )


def _former_files(neutral: t.Mapping[str, t.Any], files: t.Sequence[File], facts: Facts) -> list[str]:
    """Of the files that the role writes those that no database needs any more."""
    named = {entry.get("path") for kind in ("passdb", "userdb") for entry in neutral[kind]} | {file.path for file in files}
    return [path for path in facts.get("dovecot", {}).get("database_files", ()) if path not in named]


def _former_sockets(given: Variables) -> list[str]:
    """That of the penalty when it is switched off: every auth process would report that nobody answers there."""
    return [] if given["dovecot_auth_penalty"] else [f"{given['dovecot_settings'].get('base_dir', '/run/dovecot')}/anvil-auth-penalty"]
