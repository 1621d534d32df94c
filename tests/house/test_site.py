# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The site of make docs: everything that is documented has a page and a place in the table of contents, and links lead there."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest
from _house import ROOT, files

sys.path.append(str(ROOT / "tests/site"))
import _pages
import _playbooks
from _pages import KINDS, contents, document, listing, page_named, page_of, pages, path_at, relink

DOCUMENTS = [name for name in files() if name.suffix == ".md" and name.parent in (pathlib.Path(), pathlib.Path("docs"))]
PAGES = pages()


def documented() -> list[pathlib.Path]:
    """Give what must have a page, as git has it."""
    plugins = [name for name in files() if name.parts[0] == "plugins" and name.parts[1] in ("modules", "filter", "lookup")]
    playbooks = [name for name in files() if name.parent == pathlib.Path("playbooks") and name.suffix == ".yml"]
    roles = [name for name in files() if name.parts[0] == "roles" and name.parts[2:] == ("meta", "argument_specs.yml")]
    return [*DOCUMENTS, *plugins, *playbooks, *roles]


@pytest.mark.parametrize("name", documented(), ids=str)
def test_has_a_page(name):
    assert PAGES[page_of(name)] == name


def test_every_role_has_a_contract_to_make_a_page_of():
    assert {name.parts[1] for name in files() if name.parts[0] == "roles"} == set(KINDS[1].things)


def test_no_two_files_have_the_same_page():
    assert len(PAGES) == len(documented()) + len(KINDS)


def test_every_page_has_a_place_in_the_table_of_contents():
    """docs/index.md is the table; what it links to nowhere, no reader of the site finds."""
    listed = {"index", *(page for _heading, group in contents((ROOT / "docs/index.md").read_text()) for _text, page in group)}
    in_lists = {kind.page(thing) for kind in KINDS if kind.listing in listed for thing in kind.things}
    assert sorted(PAGES.keys() - listed - in_lists) == [], "link to these in docs/index.md"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_list_has_a_sentence_about_everything_in_it(kind):
    rows = re.findall(r"^\| \[`(\w+)`\]\((\S+)\.\w+\) \| (.+) \|$", listing(kind), re.MULTILINE)
    assert [(thing, page) for thing, page, _about in rows] == [(thing, kind.page(thing)) for thing in kind.things]
    assert [about for _thing, _page, about in rows if len(about.split()) < 3 or about.endswith(".")] == []


@pytest.mark.parametrize("name", DOCUMENTS, ids=str)
def test_links_of_a_page_lead_to_pages(name):
    page = page_of(name)
    for target in re.findall(r"\]\(([^)#\s]+)", "".join(_pages.CODE.split(document(page, name))[::2])):
        assert re.match(r"[a-z]+:", target) or str(pathlib.Path(target).with_suffix("")) in PAGES, target


@pytest.mark.parametrize(
    ("source", "link", "on_the_site"),
    [
        ("docs/sasl.md", "[x](accounts.md)", "[x](accounts.md)"),
        ("docs/sasl.md", "[x](accounts.md#sasldb)", "[x](accounts.md#sasldb)"),
        ("docs/sasl.md", "[x](#saslauthd)", "[x](#saslauthd)"),
        ("docs/sasl.md", "[x](../CONTRIBUTING.md#start)", "[x](CONTRIBUTING.md#start)"),
        ("docs/sasl.md", "[x](../playbooks/site.yml)", "[x](collection/site_playbook.md)"),
        ("docs/sasl.md", "[x](../roles/sasl/README.md)", "[x](collection/sasl_role.rst)"),
        ("docs/sasl.md", "[x](../roles/sasl/README.md#variables)", "[x](collection/sasl_role.rst)"),
        ("docs/sasl.md", "[x](../roles/sasl/)", "[x](collection/sasl_role.rst)"),
        ("docs/sasl.md", "[x](../plugins/modules/sasl_user.py)", "[x](collection/sasl_user_module.rst)"),
        ("docs/sasl.md", "[x](../plugins/modules/)", "[x](modules.md)"),
        ("docs/sasl.md", "[the `demo`](../playbooks/demo/hosts.yml)", "the `demo`"),
        ("docs/sasl.md", "[x](../LICENSE) and [y](https://example.org/z.md)", "x and [y](https://example.org/z.md)"),
        ("docs/sasl.md", "`[x](../README.md)`\n```\n[x](../README.md)\n```\n", "`[x](../README.md)`\n```\n[x](../README.md)\n```\n"),
        ("README.md", "[two\nlines](docs/sasl.md#saslauthd)", "[two\nlines](sasl.md#saslauthd)"),
        ("README.md", "[x](docs/index.md)", "[x](index.md)"),
    ],
)
def test_a_link_leads_on_the_site_where_it_leads_on_a_forge(source, link, on_the_site):
    assert relink(link, pathlib.Path(source), page_of(pathlib.Path(source))) == on_the_site


def test_a_link_on_a_page_in_a_folder_leads_out_of_it():
    assert relink("[x](sasl.md#a)", pathlib.Path("docs/verify.md"), "collection/verify_playbook") == "[x](../sasl.md#a)"


@pytest.mark.parametrize(
    ("code", "page"),
    [
        ("docs/sasl.md", "sasl"),
        ("docs/no_such_page.md", "no_such_page"),  # which Sphinx does not find, and says so
        ("postroom.mail.site", "collection/site_playbook"),
        ("postroom.mail.sasl", "collection/sasl_role"),
        ("postroom.mail.postmap", "collection/postmap_module"),
        ("postroom.mail.no_such_module", None),
        ("see postroom.mail.site", None),
    ],
)
def test_code_that_names_a_page_is_a_link_to_it(code, page):
    assert page_named(code) == page


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://forge.example/us/ours/blob/main/docs/sasl.md", "docs/sasl.md"),
        ("https://forge.example/us/ours/tree/main/roles/sasl", "roles/sasl"),
        ("https://forge.example/us/ours/issues", None),
        ("https://forge.example/us/others/blob/main/docs/sasl.md", None),
    ],
)
def test_an_address_on_the_forge_is_a_file_of_the_checkout(address, path):
    assert path_at(address, "https://forge.example/us/ours") == path


@pytest.mark.parametrize("name", KINDS[0].things)
def test_a_page_of_a_playbook_has_its_comment_its_steps_and_its_variables(name):
    source = KINDS[0].things[name]
    page = _playbooks.playbook(source, page_of(source))
    first = (ROOT / source).read_text().splitlines()[1].removeprefix("# ")
    assert first.split(":")[0].split(",")[0] in page
    assert re.findall(r"^1\. (?!role `postroom\.mail\.\w+`$|[A-Z])", page, re.MULTILINE) == []
    assert "\n## Variables\n" in page


def test_a_variable_of_a_playbook_has_the_row_that_describes_it_in_docs():
    page = _playbooks.playbook(pathlib.Path("playbooks/verify.yml"), "collection/verify_playbook")
    assert "\n| `mail_probe_host` | the host that asks | the controller |\n" in page
    assert "{ansopt}`postroom.mail.host#role:main:mail_users`" in page
    assert "(../open_relay.md#the-forms)" in page


def test_a_variable_that_no_page_describes_has_a_sentence():
    with pytest.raises(_pages.NoPage, match=r"^playbooks/verify.yml reads the variable mail_no_such, and no page of docs/ describes it: "):
        _playbooks.described("mail_no_such", pathlib.Path("playbooks/verify.yml"), "collection/verify_playbook")


def test_finished_pages_with_a_broken_link_or_something_from_elsewhere_are_found(tmp_path):
    for page in PAGES:
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / f"{page}.html").write_text('<h1 id="here">x</h1><a href="#here">x</a><a href="https://example.org/">x</a>')
    (tmp_path / "sasl.html").write_text(
        '<script src="https://cdn.example/x.js"></script><link href="//cdn.example/x.css">'
        '<a href="none.html">x</a><a href="verify.html#none">x</a>'
    )
    (tmp_path / "x.css").write_text("@import '//cdn.example/y.css'; a { background: url(local.png) }")
    (tmp_path / "change.html").unlink()
    done = subprocess.run(
        [sys.executable, ROOT / "tests/site/check_pages", tmp_path],
        env={**os.environ, "PYTHONPATH": str(ROOT / "tests/house")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        "change.html is missing",
        "sasl.html loads //cdn.example/x.css from another host",
        "sasl.html loads https://cdn.example/x.js from another host",
        "sasl.html: the link none.html leads nowhere",
        "sasl.html: the link verify.html#none leads to a page without this anchor",
        "x.css loads //cdn.example/y.css from another host",
    ]
