"""IRC: InspIRCd, and Anope's services with the accounts `cloudlog`, for the bot, and `Volunteer`."""

from __future__ import annotations

import socket
import time

import daemon
import probe
from settings import HOST, Lab, LabError

NAME = "irc"
PACKAGES = ["inspircd", "anope"]
NEEDS: list[str] = []
PATIENCE = 40.0

CHANNEL = "#cloud"
# Only members of a project log from here.
MEMBERS = "#cloud-members"
BOT = "cloudlog"
ACCOUNTS = [BOT, "Volunteer"]
SERVICES = "services.lab.example"


def daemons(lab: Lab) -> list[str]:
    return ["inspircd", "anope"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    home, services = lab.folder("irc"), lab.folder("irc", "anope")
    # Without the last of them it ends at its second start.
    for each in [["logs"], ["db", "backups"]]:
        lab.folder("irc", "anope", *each)
    server, config = home / "inspircd.conf", services / "services.conf"
    lab.write(server, _inspircd(lab))
    lab.write(config, _anope(lab))
    lab.write(services / "services.motd", "The lab's services.\n")
    argv = ["/usr/sbin/inspircd", "--nofork", f"--config={server}"]
    if daemon.ensure(lab, "inspircd", argv, config=[server], ports=["irc", "irc_services"]):
        # Services that lose their server end themselves some time later.
        daemon.stop(lab, "anope")
    daemon.ensure(
        lab, "anope",
        ["/usr/sbin/anope", "--nofork", f"--confdir={services}", f"--dbdir={services}/db", f"--logdir={services}/logs",
         "--modulesdir=/usr/lib/anope", "--localedir=/usr/share/locale"],
        config=[config],
    )  # fmt: skip


def health(lab: Lab) -> str | None:
    down = daemon.down_reason(lab, "inspircd", "anope") or probe.port(lab, "irc")
    if down is not None:
        return down
    try:
        with Client(lab, f"probe{time.monotonic_ns() % 100000}") as client:
            return None if "NickServ" in client.ask("ISON NickServ", " 303 ") else "the services are not linked yet"
    except OSError as error:
        return f"the IRC server does not answer ({error})"


def setup(lab: Lab) -> None:
    for account in ACCOUNTS:
        with Client(lab, f"setup{time.monotonic_ns() % 100000}") as client:
            info = client.ask(f"PRIVMSG NickServ :INFO {account}", "NOTICE")
            if "isn't registered" not in info:
                continue
            # The bot may be in with its nick; a registration needs it.
            client.ask(f"NICK {account}", account)
            answer = client.ask(f"PRIVMSG NickServ :REGISTER {lab.secret(f'irc-{account}')}", "NOTICE")
            if "registered" not in answer:
                raise LabError(f"the IRC account {account} was not made: {answer.strip()}", lab.log("anope"))


def url(lab: Lab) -> str:
    return f"irc://{HOST}:{lab.port('irc')}/{CHANNEL}"


class Client:
    """A line at a time; just enough to make accounts."""

    def __init__(self, lab: Lab, nick: str) -> None:
        self._socket = socket.create_connection((HOST, lab.port("irc")), timeout=5)
        self._lines = self._socket.makefile("r", encoding="utf-8", errors="replace")
        self.say(f"NICK {nick}")
        self.ask("USER lab 0 * :lab", " 001 ")

    def say(self, line: str) -> None:
        self._socket.sendall(f"{line}\r\n".encode())

    def ask(self, line: str, answer: str) -> str:
        """Says a line and gives back the next one that holds the answer."""
        self.say(line)
        for heard in self._lines:
            if heard.startswith("PING"):
                self.say(heard.strip().replace("PING", "PONG", 1))
            elif answer in heard:
                return heard
        raise OSError("the connection was closed")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _inspircd(lab: Lab) -> str:
    home = lab.folder("irc")
    password = lab.secret("irc-services")
    modules = ["cap", "hidechans", "ircv3", "ircv3_accounttag", "ircv3_ctctags", "ircv3_msgid", "services_account", "sasl", "spanningtree"]
    return f"""<config format="xml">
<server name="irc.lab.example" description="OpenStackManager's lab" network="Lab" id="0LA">
<admin name="lab" nick="lab" email="root@localhost">
<path configdir="{home}" datadir="{home}" logdir="{home}" moduledir="/usr/lib/inspircd/modules">
<pid file="{home}/inspircd.pid">
<bind address="{HOST}" port="{lab.port("irc")}" type="clients">
<bind address="{HOST}" port="{lab.port("irc_services")}" type="servers">
<connect name="lab" allow="*" timeout="20" pingfreq="60" hardsendq="4M" softsendq="64K" recvq="64K" fakelag="no"
 commandrate="1000000" threshold="1000000" localmax="1000" globalmax="1000" limit="2000" resolvehostnames="no" maxchans="20">
<log method="file" target="/dev/stdout" type="* -USERINPUT -USEROUTPUT" level="default" flush="1">
<options casemapping="ascii" hidesplits="no" defaultmodes="nt" splitwhois="no">
<security maxtargets="20">
{"".join(f'<module name="{name}">{chr(10)}' for name in modules)}
<sasl target="{SERVICES}">
<uline server="{SERVICES}" silent="yes">
<link name="{SERVICES}" ipaddr="{HOST}" port="{lab.port("irc_services")}" allowmask="{HOST}" sendpass="{password}" recvpass="{password}">
"""


def _anope(lab: Lab) -> str:
    commands = {
        "HELP": "generic/help", "IDENTIFY": "nickserv/identify", "REGISTER": "nickserv/register",
        "RECOVER": "nickserv/recover", "GHOST": "nickserv/recover", "INFO": "nickserv/info",
    }  # fmt: skip
    modules = ["ns_identify", "ns_recover", "ns_info", "m_sasl", "help"]
    return f"""define {{ name = "services.host"; value = "{SERVICES}" }}
uplink {{ host = "{HOST}"; ipv6 = no; ssl = no; port = {lab.port("irc_services")}; password = "{lab.secret("irc-services")}" }}
serverinfo {{ name = "{SERVICES}"; description = "services"; pid = "{lab.folder("irc", "anope")}/anope.pid"; motd = "services.motd" }}
module {{ name = "inspircd3"; use_server_side_mlock = no; use_server_side_topiclock = no }}
networkinfo {{ networkname = "Lab"; nicklen = 30; userlen = 10; hostlen = 64; chanlen = 64; modelistsize = 100;
 vhost_chars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"; allow_undotted_vhosts = false;
 disallow_start_or_end = ".-" }}
options {{ casemap = "ascii"; seed = 1; strictpasswords = no; badpasslimit = 0; updatetimeout = 5s; expiretimeout = 1d; readtimeout = 1s;
 warningtimeout = 4h; timeoutcheck = 1s; retrywait = 2s; languages = "" }}
service {{ nick = "NickServ"; user = "services"; host = "services.host"; gecos = "Nickname Registration Service" }}
module {{ name = "nickserv"; client = "NickServ"; forceemail = no; defaults = "ns_secure hide_email"; regdelay = 0;
 expire = 0; secureadmins = yes; modeonid = yes; killquick = 20s; kill = 60s; enforceruser = "enforcer";
 enforcerhost = "services.host"; releasetimeout = 10s; guestnickprefix = "Guest"; nonicknameownership = no; passlen = 64 }}
module {{ name = "ns_register"; registration = "none"; resenddelay = 90s }}
{"".join(f'module {{ name = "{name}" }}{chr(10)}' for name in modules)}
{"".join(f'command {{ service = "NickServ"; name = "{name}"; command = "{does}"; }}{chr(10)}' for name, does in commands.items())}
module {{ name = "db_flatfile"; database = "anope.db"; keepbackups = 1; fork = no }}
module {{ name = "enc_sha256" }}
log {{ target = "services.log"; logage = 2; admin = "*"; override = "*"; commands = "*"; servers = "*"; users = "disconnect"; other = "*" }}
"""
