# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh disable=SC2034

# What the test images hold. A mail host's image is a bare Debian that boots systemd: the roles under test
# install the daemons themselves, from packages that already lie in apt's cache.

# On every machine Ansible manages, container or not.
INSTALLED="systemd systemd-sysv python3 python3-apt iproute2 ca-certificates"

# Downloaded, not installed. Complete for what the roles ask for on Debian 12 and 13.
DOWNLOADED="postfix postfix-pcre postfix-lmdb postfix-mysql postfix-pgsql postfix-ldap postfix-sqlite dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-sieve dovecot-managesieved procmail dovecot-mysql dovecot-pgsql dovecot-sqlite dovecot-ldap sasl2-bin libsasl2-modules ssl-cert openssl fetchmail \
openssh-server sudo ansible-core"

# Downloaded, each by itself since they conflict, and without what they recommend: mail servers that Postfix takes over from, and
# one that some hosts keep.
FORMER="exim4-daemon-light sendmail"

# The hosts around the mail host: a resolver, a stranger with a mail server of its own, a trusted client. Two of the mail clients
# that people have (curl, imtest) speak beside those that the tests bring.
PROBE_INSTALLED="dnsmasq postfix openssl openssh-client sasl2-bin libsasl2-modules curl cyrus-clients"
PROBE_DISABLED="dnsmasq postfix cyrus-imapd"

# The databases that are asked for addresses and accounts, and an IMAP server that is asked for passwords.
DATA_INSTALLED="mariadb-server postgresql slapd ldap-utils dovecot-imapd"
DATA_DISABLED="mariadb postgresql slapd dovecot"

# A host that is upgraded in place: the packages of the next release, beside those of its own.
UPGRADE_DOWNLOADED="postfix dovecot-imapd dovecot-pop3d dovecot-lmtpd dovecot-sieve dovecot-managesieved sasl2-bin libsasl2-modules openssl"
