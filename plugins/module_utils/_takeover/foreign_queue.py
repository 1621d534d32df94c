# Copyright (c) 2026, The postroom.mail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The queue files of other mail servers: envelope and message of each waiting mail. Pure.

Each reader gets the bytes of a mail's files and returns a `Mail`, or raises `Unreadable`. Recipients that have got the
mail already, by the mail server's own records, are not in it any more.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.postroom.mail.plugins.module_utils._core.errors import MailError

ENCODING, ERRORS = "utf-8", "surrogateescape"


class Unreadable(MailError):
    """These files are not those of a waiting mail, or Postfix cannot accept it; they are unchanged."""


class Mail(t.NamedTuple):
    """A waiting mail. An empty *sender* is the null address of bounces; *again* names recipients that may get it a second time."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    again: str = ""


class Format(t.NamedTuple):
    """The format of a queue.

    *control* finds the id in the name of the file that makes a mail; *held* in that of a held mail.
    *parts* are the names of all its files by id; the first is the control file, those with a slash may be missing
    beside it and lie there. *read* gets their bytes in the same order, None for one that does not exist.
    """

    control: re.Pattern[str]
    held: re.Pattern[str] | None
    parts: tuple[str, ...]
    read: t.Callable[..., Mail]
    is_held: t.Callable[[bytes], bool] = lambda control: False


def checked(mail: Mail) -> Mail:
    """Return the mail if its addresses are safe as arguments of a command and lines of a protocol. Raises `Unreadable`."""
    for address in (mail.sender, *mail.recipients):
        if re.search(r"[\0-\x1f\x7f]", address):
            raise Unreadable("an address in it has a control character.")
    return mail


def _text(raw: bytes) -> str:
    return raw.decode(ENCODING, ERRORS)


# -- exim: ID-H holds envelope and headers, ID-D the body, ID-J what a cut-off delivery had done.

_EXIM_OPTION_WITH_VALUE = re.compile(rb"--?acl[cm]? \S+ (\d{1,9})$")
_EXIM_HEADER = re.compile(rb"(\d{3,9})(.) ", re.DOTALL)
_EXIM_RECIPIENT = re.compile(r'("(?:[^"\\]|\\.)*"@\S+|\S+)')


class _Lines:
    """The lines of a file, taken one by one, or a number of bytes at a time."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.position = 0

    def line(self) -> bytes:
        end = self.raw.find(b"\n", self.position)
        if end == -1:
            raise Unreadable("the file ends in the middle.")
        line, self.position = self.raw[self.position : end], end + 1
        return line

    def skip(self, count: int) -> None:
        self.position += count

    def rest(self) -> bytes:
        return self.raw[self.position :]


def read_exim(control: bytes, data: bytes | None, journal: bytes | None) -> Mail:
    lines = _Lines(control)
    lines.line(), lines.line()
    sender = re.fullmatch(r"<(.*)>", _text(lines.line()))
    if not sender:
        raise Unreadable("the third line of its -H file is no sender.")
    lines.line()
    option = lines.line()
    while option.startswith(b"-"):
        if option.lstrip(b"-") == b"spool_file_wireformat":
            raise Unreadable("its body is kept as it came over the wire (spool_wireformat).")
        value = _EXIM_OPTION_WITH_VALUE.match(option)
        if value:
            lines.skip(int(value.group(1)) + 1)
        option = lines.line()
    done = _exim_tree(option, lines) | {_text(line) for line in (journal or b"").splitlines()}
    count = lines.line()
    if not re.fullmatch(rb"\d{1,9}", count):
        raise Unreadable("there is no number of recipients in its -H file.")
    named = [_exim_address(_text(lines.line())) for _number in range(int(count))]
    lines.line()
    if data is None:
        raise Unreadable("its -D file with the body is missing.")
    _id, _newline, body = data.partition(b"\n")
    waiting = tuple(address for address in named if address not in done)
    # An alias stays a recipient until all that it stands for have got the mail; who of them has is in the same list.
    again = sorted(done - set(named)) if waiting else []
    return Mail(sender.group(1), waiting, _exim_headers(lines.rest()) + b"\n" + body, ", ".join(again))


def _exim_tree(line: bytes, lines: _Lines) -> set[str]:
    """Return the addresses that are done: a binary tree; two letters in each line tell whether it has a left and a right child."""
    if line == b"XX":
        return set()
    found, pending = set(), 1
    while True:
        found.add(_text(line[3:]))
        pending += line[:2].count(b"Y") - 1
        if not pending:
            return found
        line = lines.line()


def _exim_address(line: str) -> str:
    """Return a recipient; numbers and further addresses may follow it, which end in ``#`` and a digit."""
    match = _EXIM_RECIPIENT.match(line) if re.search(r"#\d+$", line) else None
    return match.group(1) if match else line


def _exim_headers(raw: bytes) -> bytes:
    """Return the headers. The length and a letter precede each, ``*`` for one that was replaced or removed."""
    headers, position = [], 0
    while position < len(raw):
        match = _EXIM_HEADER.match(raw, position)
        end = match.end() + int(match.group(1)) if match else 0
        if not match or end > len(raw):
            raise Unreadable("the headers in its -H file are damaged.")
        if match.group(2) != b"*":
            headers.append(raw[match.end() : end])
        position = end
    return b"".join(headers)


# -- sendmail: qfID holds envelope and headers, dfID the body.

# Headers that a mailer writes only when it wants them: of these, which the world does.
_SENDMAIL_WANTED_FLAGS = re.compile(rb"\?[^?]*[DFM][^?]*\?")
_SENDMAIL_HEADER = re.compile(rb"(\?[^?]*\?(?:\$\{[^}]*\}\?)?)?(.*)", re.DOTALL)


def read_sendmail(control: bytes, data: bytes | None, data_elsewhere: bytes | None = None) -> Mail:
    body = data if data is not None else data_elsewhere
    if body is None:
        raise Unreadable("its df file with the body is missing.")
    # A line that begins with white space continues the one before.
    raw, end, _rest = control.partition(b"\n.\n")
    if not end:
        raise Unreadable("its qf file ends in the middle.")
    sender, recipients, headers = None, [], []
    for entry in re.split(rb"\n(?![ \t])", raw):
        kind, value = entry[:1], entry[1:]
        if kind == b"S":
            sender = _text(value).strip()
        elif kind == b"R":
            recipients.append(_sendmail_address(_text(re.sub(rb"^[A-Z]*:", b"", value))))
        elif kind == b"H":
            headers += _sendmail_header(value)
    if sender is None:
        raise Unreadable("its qf file names no sender.")
    # A bounce's sender becomes the null address only when it is sent.
    sender = "" if sender == "MAILER-DAEMON" else _unbracketed(sender)
    return Mail(sender, tuple(recipients), b"".join(headers) + b"\n" + body)


def _sendmail_address(text: str) -> str:
    address = _unbracketed(text.strip()).lstrip("\\")
    if address.lstrip('"').startswith(("|", "/", ":include:")):
        raise Unreadable(f"an alias leads it to {address}, which only an alias of Postfix may.")
    return address


def _unbracketed(address: str) -> str:
    return address[1:-1] if address.startswith("<") and address.endswith(">") else address


def _sendmail_header(value: bytes) -> list[bytes]:
    flags, text = t.cast("re.Match[bytes]", _SENDMAIL_HEADER.match(value)).groups()
    wanted = flags in (None, b"??") or _SENDMAIL_WANTED_FLAGS.match(flags)
    # sendmail puts 0xff before each byte that means something to itself.
    return [re.sub(rb"\xff(.)", rb"\1", text, flags=re.DOTALL) + b"\n"] if wanted else []


# -- nullmailer: one file with sender, recipients, an empty line and the message.


def read_nullmailer(control: bytes) -> Mail:
    envelope, empty, content = control.partition(b"\n\n")
    sender, *recipients = _text(envelope).split("\n")
    if not empty or not recipients:
        raise Unreadable("the file does not begin with sender, recipients and an empty line.")
    return Mail(_unbracketed(sender.strip()), tuple(recipients), content)


# -- dma: one Qid a recipient, and the message in Mid.


def read_dma(control: bytes, data: bytes | None) -> Mail:
    fields = dict(re.findall(r"^(ID|Sender|Recipient): ?(.*)$", _text(control), re.MULTILINE))
    if "Sender" not in fields or not fields.get("Recipient") or data is None:
        raise Unreadable("its Q file names no sender or no recipient, or its M file with the message is missing.")
    return Mail(_unbracketed(fields["Sender"]), (fields["Recipient"],), data)


FORMATS = {
    "exim": Format(
        re.compile(r"(\w+-\w+-\w+)-H"),
        None,
        ("{}-H", "{}-D", "{}-J"),
        read_exim,
        lambda control: re.search(rb"^-frozen ", control, re.MULTILINE) is not None,
    ),
    "sendmail": Format(re.compile(r"qf(\w+)"), re.compile(r"hf(\w+)"), ("qf{}", "df{}", "../df/df{}"), read_sendmail),
    "nullmailer": Format(re.compile(r"(\d+\.\d+)"), None, ("{}",), read_nullmailer),
    "dma": Format(re.compile(r"Q(.+)"), None, ("Q{}", "M{}"), read_dma),
}
