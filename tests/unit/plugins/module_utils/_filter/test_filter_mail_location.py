# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.postroom.mail.plugins.module_utils._filter.mail_location import BadLocation, parse, separator_of


@pytest.mark.parametrize(
    ("given", "base", "inbox", "separator"),
    [
        ("maildir:~/Maildir", "$HOME/Maildir", "$HOME/Maildir/", "."),
        ("maildir:%h/Maildir", "$HOME/Maildir", "$HOME/Maildir/", "."),
        ("maildir:/srv/mail/%u", "/srv/mail/$LOGNAME", "/srv/mail/$LOGNAME/", "."),
        ("maildir:/srv/%{user|username}box", "/srv/${LOGNAME}box", "/srv/${LOGNAME}box/", "."),
        ("maildir:~/Maildir:LAYOUT=fs", "$HOME/Maildir", "$HOME/Maildir/", "/"),
        ("maildir:~/Maildir:INBOX=~/Inbox", "$HOME/Maildir", "$HOME/Inbox/", "."),
        ("mbox:~/mail:INBOX=/var/mail/%u", "$HOME/mail", "/var/mail/$LOGNAME", "/"),
        ("mbox:~/mail", "$HOME/mail", "$HOME/mail/inbox", "/"),
    ],
)
def test_a_location_in_the_words_of_a_shell(given, base, inbox, separator):
    location = parse(given)
    assert (location.base, location.inbox, location.separator) == (base, inbox, separator)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "sdbox:~/sdbox",
            "Only Dovecot can write into mail_location 'sdbox:~/sdbox': let Sieve sort the mail (engine: sieve), or keep it as",
        ),
        ("~/Maildir", "mail_location '~/Maildir' is not understood: write it as DRIVER:PATH, for example maildir:~/Maildir."),
        ("maildir:", "mail_location 'maildir:' is not understood"),
        ("maildir:~/%d/Maildir", "The path ~/%d/Maildir in mail_location"),
        ("maildir:~/../Maildir", "The path ~/../Maildir in mail_location"),
        ("maildir:~/my mail", "The path ~/my mail in mail_location"),
        ("maildir:/srv/$(id)", "The path /srv/$(id) in mail_location"),
    ],
)
def test_what_is_no_place_for_procmail(given, sentence):
    with pytest.raises(BadLocation) as error:
        parse(given)
    assert str(error.value).startswith(sentence)


@pytest.mark.parametrize(
    ("given", "separator"), [("maildir:~/M", "."), ("sdbox:~/s", "/"), ("mbox:~/m", "/"), ("maildir:~/M:LAYOUT=FS", "/")]
)
def test_what_parts_the_levels_of_a_folder(given, separator):
    assert separator_of(given) == separator


@pytest.mark.parametrize(
    ("location", "folder", "path"),
    [
        ("maildir:~/Maildir", "inbox", "$HOME/Maildir/"),
        ("maildir:~/Maildir", "Lists.postfix", "$HOME/Maildir/.Lists.postfix/"),
        ("maildir:~/Maildir", "Entwürfe", "$HOME/Maildir/.Entw&APw-rfe/"),
        ("maildir:~/Maildir:LAYOUT=fs", "Lists", "$HOME/Maildir/Lists/"),
        ("mbox:~/mail:INBOX=/var/mail/%u", "Lists", "$HOME/mail/Lists"),
        ("mbox:~/mail:INBOX=/var/mail/%u", "INBOX", "/var/mail/$LOGNAME"),
    ],
)
def test_where_a_folder_is(location, folder, path):
    assert parse(location).folder(folder) == path


def test_a_folder_that_cannot_be_there():
    assert parse("maildir:~/M").problem_with("a/b") == "has a '/', which is part of no name in a Maildir: levels are parted by '.'"
    assert parse("maildir:~/M:LAYOUT=fs").problem_with("a/new") == "is a directory in which a Maildir keeps its mail"
    assert parse("maildir:~/M").problem_with("a.b") is None
    assert parse("mbox:~/m").problem_with("new") is None
