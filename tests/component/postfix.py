"""Debian's Postfix as a relay of a test's own: its queue, its log-ins and its mailboxes are in one folder."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

from tests.component.certificates import Signed
from tests.servers import free_port
from tests.waiting import wait_listening

PROGRAM, LOGINS = "/usr/sbin/postfix", "/usr/sbin/saslpasswd2"
USER, PASSWORD = "dondoc", "right-horse"
MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example.vn
mynetworks =
mydestination =
alias_maps =
alias_database =
virtual_mailbox_domains = example.vn
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = regexp:{folder}/etc/boxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
relay_domains = gone.example.vn
transport_maps = texthash:{folder}/etc/ways
default_transport = error:5.7.1 nothing leaves this machine
recipient_delimiter = +
smtputf8_enable = yes
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = relay.example.vn
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 50
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{wrapped} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
gone unix - n n - - pipe flags= user=nobody argv=/bin/sh -c {{exit 67}}
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """A running relay. port: STARTTLS; wrapped: TLS from the start. Both want a log-in for whatever is sent on.

    nobody@example.vn is refused at once, whoever@gone.example.vn is taken and comes back; all else of example.vn
    ends in one mailbox.
    """

    port: int
    wrapped: int
    folder: Path
    ca: Path

    def mails(self) -> list[EmailMessage]:
        """Return what has been delivered, the oldest first."""
        found = sorted((self.folder / "mail" / "all" / "new").glob("*"), key=lambda file: file.stat().st_mtime_ns)
        mails = [message_from_bytes(file.read_bytes(), policy=default) for file in found]
        return [mail for mail in mails if isinstance(mail, EmailMessage)]

    def log(self) -> str:
        return (self.folder / "mail.log").read_text()

    def call(self, word: str) -> None:
        """Run a command of Postfix's; what went wrong with it stands in the log alone."""
        ended = subprocess.run([PROGRAM, "-c", str(self.folder / "etc"), word], capture_output=True, timeout=60)
        assert ended.returncode == 0, f"postfix {word}: {self.log()[-1000:]}"


@contextmanager
def running_postfix(made: Signed) -> Iterator[Postfix]:
    """Run a relay under a certificate. Its daemons run as the user postfix, who must be able to enter the folder."""
    folder = Path(tempfile.mkdtemp(prefix="postfix-"))
    relay = Postfix(free_port(), free_port(), folder, made.authority)
    _lay_out(relay, made)
    try:
        relay.call("start")
        wait_listening(relay.port)
        yield relay
    finally:
        subprocess.run([PROGRAM, "-c", str(folder / "etc"), "stop"], capture_output=True, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(relay: Postfix, made: Signed) -> None:
    folder, nobody, owner = relay.folder, pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for name in ("etc", "etc/sasl", "queue", "data", "mail", "keys"):
        (folder / name).mkdir()
    os.chown(folder / "data", owner.pw_uid, -1)
    os.chown(folder / "mail", nobody.pw_uid, nobody.pw_gid)
    for file in (made.certificate, made.key):
        shutil.copy(file, folder / "keys")
    values = {
        "folder": folder, "uid": nobody.pw_uid, "gid": nobody.pw_gid, "port": relay.port, "wrapped": relay.wrapped,
        "certificate": folder / "keys" / made.certificate.name, "key": folder / "keys" / made.key.name,
    }  # fmt: skip
    (folder / "etc" / "main.cf").write_text(MAIN.format(**values))
    (folder / "etc" / "master.cf").write_text(MASTER.format(**values))
    (folder / "etc" / "boxes").write_text("!/^nobody@/ all/\n")
    (folder / "etc" / "ways").write_text("gone.example.vn gone:\n")
    (folder / "etc" / "sasl" / "smtpd.conf").write_text(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n"
        f"sasldb_path: {folder / 'etc' / 'sasl' / 'logins'}\n"
    )
    subprocess.run(
        [LOGINS, "-p", "-c", "-f", str(folder / "etc" / "sasl" / "logins"), "-u", "relay.example.vn", USER],
        input=PASSWORD.encode(), check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    os.chown(folder / "etc" / "sasl" / "logins", owner.pw_uid, -1)
