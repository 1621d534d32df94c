# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References that Sphinx cannot know by itself: pages that the text only names, and pages of Ansible's own documentation."""

from __future__ import annotations

import pathlib
import re
import typing as t

from _pages import page_named, page_of, path_at
from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

if t.TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

ANSIBLE = "https://docs.ansible.com/ansible/latest"
# Labels of Ansible's documentation to which the templates of antsibull-docs refer; an inventory of them would have to be downloaded.
OF_ANSIBLE = {
    "action_plugins": "plugins/action.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
BUILTIN = re.compile(r"ansible_collections\.ansible\.builtin\.(\w+_[a-z]+)$")


class NamesToLinks(SphinxTransform):
    """Link what only names a page: `docs/sasl.md` and `postroom.mail.site` as code, and addresses of these files on a forge."""

    default_priority = 500

    def apply(self, **_options: t.Any) -> None:
        for literal in list(self.document.findall(nodes.literal)):
            page = page_named(literal.astext())
            if page and not isinstance(literal.parent, (nodes.reference, addnodes.pending_xref, nodes.title)):
                self.link(literal, page, literal.deepcopy())
        for reference in list(self.document.findall(nodes.reference)):
            path = path_at(reference.get("refuri", ""), self.config.repository)
            page = page_of(pathlib.Path(path)) if path else None
            if page:
                text = path if reference.astext() == reference["refuri"] else reference.astext()
                self.link(reference, page, nodes.inline("", text))

    def link(self, node: nodes.Element, page: str, text: nodes.Node) -> None:
        if page == self.env.docname:
            return
        link = addnodes.pending_xref(
            "", text, refdomain="std", reftype="doc", reftarget=f"/{page}", refexplicit=True, refwarn=True, refdoc=self.env.docname
        )
        link.source, link.line = node.source, node.line
        node.parent.replace(node, link)


def in_ansible(_app: Sphinx, _env: BuildEnvironment, node: addnodes.pending_xref, text: nodes.TextElement) -> nodes.reference | None:
    """Resolve a label of Ansible's documentation, without asking it; any other label that is none of this site's stays an error."""
    label = node.get("reftarget", "")
    builtin = BUILTIN.match(label)
    path = f"collections/ansible/builtin/{builtin[1]}.html" if builtin else OF_ANSIBLE.get(label)
    return nodes.reference("", "", text, refuri=f"{ANSIBLE}/{path}", internal=False) if path else None


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("repository", "", "env")
    app.add_transform(NamesToLinks)
    app.connect("missing-reference", in_ansible)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
