# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._core import managed
from ansible_collections.postroom.mail.plugins.module_utils._host.info import Host, Questions
from ansible_collections.postroom.mail.plugins.module_utils._sasl import facts as sasl_facts
from ansible_collections.postroom.mail.plugins.module_utils._sasl import provider as sasl_provider
from ansible_collections.postroom.mail.plugins.module_utils._sasl.provider import Saslauthd, Wanted
from ansible_collections.postroom.mail.plugins.module_utils._services import services

POSTFIX = {
    "queue_directory": "/var/spool/postfix",
    "parameters": {"cyrus_sasl_config_path": "/etc/postfix/sasl", "smtpd_sasl_path": "private/auth"},
    "services": {
        "smtp/inet": {"command": "smtpd", "chroot": True},
        "submission/inet": {"command": "smtpd", "chroot": False},
    },
}
NO_POSTFIX = {"queue_directory": None, "parameters": {}, "services": {}}
# As Debian 12's package prints it, on the standard error output.
VERSION = "saslauthd 2.1.28\nauthentication mechanisms: sasldb getpwent kerberos5 pam rimap shadow ldap\n\n"
UNIT = "Id=saslauthd.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n"


class Root:
    """A host below a directory, whose saslauthd is as it is told to be."""

    def __init__(self, path, monkeypatch):
        self.path = path
        self.calls = []
        self.unit = UNIT
        monkeypatch.setattr(services, "manager", lambda root="/": "systemd")

    def file(self, name, text="", mode=0o644):
        path = self.path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def install(self):
        self.file("usr/sbin/saslauthd", mode=0o755)
        self.file("usr/lib/systemd/system/saslauthd.service")
        self.file("etc/default/saslauthd", 'MECHANISMS="pam"\nOPTIONS="-c -m /var/run/saslauthd"\n')
        for plugin in ("libplain.so", "libplain.so.2", "liblogin.so", "libscram.so", "libsasldb.so"):
            self.file(f"usr/lib/x86_64-linux-gnu/sasl2/{plugin}")

    def set_up(self, wanted):
        for file in sasl_provider.files(wanted, sasl_facts.place(POSTFIX, "Debian", str(self.path))):
            self.file(file.path, managed.SETTINGS.put("", file.text) if file.block else file.text)

    def run(self, args, data=None):
        self.calls.append(args)
        return (0, self.unit, "") if args[0] == "systemctl" else (0, "", VERSION)

    def ask(self, postfix=None, os_family="Debian"):
        return sasl_facts.ask(self.run, postfix or POSTFIX, os_family, str(self.path))


@pytest.fixture
def root(tmp_path, monkeypatch):
    return Root(tmp_path, monkeypatch)


def test_a_host_without_any_of_it_costs_no_command(root):
    answer = root.ask(NO_POSTFIX)
    assert root.calls == []
    assert answer == {
        "mechanisms": [],
        "config_path": "/etc/postfix/sasl/smtpd.conf",
        "config": {},
        "managed": False,
        "foreign_files": [],
        "chrooted": [],
        "database_copies": [],
        "saslauthd": {
            "installed": False,
            "running": False,
            "enabled": False,
            "foreign": False,
            "mechanisms": [],
            "settings": {},
            "socket": None,
        },
    }


def test_where_things_will_be_once_postfix_is_there():
    assert sasl_facts.place(NO_POSTFIX, "Debian").queue_directory == "/var/spool/postfix"
    assert sasl_facts.place({**NO_POSTFIX, "queue_directory": "/srv/queue"}, "Debian").queue_directory == "/srv/queue"


def test_a_fresh_package(root):
    root.install()
    root.unit = UNIT.replace("active", "inactive").replace("running", "dead").replace("enabled", "disabled")
    answer = root.ask()
    assert answer["mechanisms"] == ["LOGIN", "PLAIN", *sasl_provider.SCRAM]
    assert (answer["chrooted"], answer["database_copies"]) == (["smtp/inet"], ["/var/spool/postfix/etc/sasldb2"])
    assert answer["saslauthd"] == {
        "installed": True,
        "running": False,
        "enabled": False,
        "foreign": False,
        "mechanisms": ["sasldb", "getpwent", "kerberos5", "pam", "rimap", "shadow", "ldap"],
        "settings": {"MECHANISMS": "pam", "OPTIONS": "-c -m /var/run/saslauthd"},
        "socket": None,
    }


def test_an_init_script_that_has_nothing_to_start_runs_nothing(root):
    root.install()
    root.unit = UNIT.replace("running", "exited")
    assert root.ask()["saslauthd"]["running"] is False


@pytest.mark.parametrize("provider", ["saslauthd", "sasldb"])
def test_what_the_collection_has_set_up_is_its_own(root, provider):
    root.install()
    root.set_up(Wanted(provider, saslauthd=Saslauthd("ldap", ldap={"ldap_servers": "ldap://x/", "ldap_password": "geheim"})))
    answer = root.ask()
    assert (answer["managed"], answer["foreign_files"]) == (True, [])
    assert answer["config"]["mech_list"] == "PLAIN LOGIN"
    assert answer["saslauthd"]["foreign"] is (provider == "sasldb")
    assert "geheim" not in str(answer)


def test_the_socket_is_where_the_settings_say(root):
    root.install()
    assert root.ask()["saslauthd"]["socket"] == "/var/run/saslauthd/mux"
    root.set_up(Wanted("saslauthd"))
    assert root.ask()["saslauthd"]["socket"] == "/var/spool/postfix/var/run/saslauthd/mux"


def test_the_socket_on_red_hat(root):
    root.file("usr/sbin/saslauthd", mode=0o755)
    root.file("etc/sysconfig/saslauthd", "SOCKETDIR=/run/elsewhere\nMECH=pam\nFLAGS=\n")
    assert root.ask(NO_POSTFIX, "RedHat")["saslauthd"]["socket"] == "/run/elsewhere/mux"
    root.file("etc/sysconfig/saslauthd", "")
    assert root.ask(NO_POSTFIX, "RedHat")["saslauthd"]["socket"] == "/run/saslauthd/mux"


def test_what_somebody_else_has_set_up_is_told_without_its_passwords(root):
    root.install()
    root.file("etc/postfix/sasl/smtpd.conf", "pwcheck_method: auxprop\nauxprop_plugin: sql\nsql_passwd: geheim\nldapdb_pw: geheim\n")
    root.file("etc/saslauthd.conf", "ldap_password: geheim\n")
    root.file("etc/pam.d/smtp", "\n")
    answer = root.ask()
    assert answer["managed"] is False
    assert answer["foreign_files"] == ["/etc/postfix/sasl/smtpd.conf", "/etc/saslauthd.conf"]
    assert answer["saslauthd"]["foreign"] is True
    assert answer["config"]["sql_passwd"] == answer["config"]["ldapdb_pw"] == "[hidden]"
    assert answer["config"]["auxprop_plugin"] == "sql"
    assert "geheim" not in str(answer)


@pytest.mark.parametrize(
    ("parameters", "family", "path"),
    [
        ({}, "Debian", "/etc/postfix/sasl/smtpd.conf"),
        ({}, "RedHat", "/etc/sasl2/smtpd.conf"),
        ({"cyrus_sasl_config_path": ""}, "RedHat", "/etc/sasl2/smtpd.conf"),
        ({"cyrus_sasl_config_path": "/srv/sasl:/usr/lib/sasl2"}, "Debian", "/srv/sasl/smtpd.conf"),
    ],
)
def test_where_smtpd_reads_its_configuration(parameters, family, path):
    assert sasl_facts.config_path(parameters, family) == path


def test_plugins_that_are_no_mechanisms():
    assert sasl_facts.mechanisms(["libsasldb.so", "libldapdb.so", "libcrammd5.so", "libcrammd5.so.2", "notes.txt"]) == ["CRAM-MD5"]


def test_whether_the_unit_is_the_packages_own(root):
    assert sasl_facts.place(POSTFIX, "Debian", str(root.path)).native_unit is False
    root.install()
    assert sasl_facts.place(POSTFIX, "Debian", str(root.path)).native_unit is True


def test_mail_info_tells_it():
    def run(args, data=None):
        return 127, "", ""

    assert set(Host(run).tell(Questions(gather=["sasl"]))["sasl"]) >= {"mechanisms", "config", "managed", "saslauthd"}
