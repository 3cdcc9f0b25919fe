"""People keep the SSH keys of their own shell account; a private key that somebody pastes is kept by nobody."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import fresh_name
from parts import ldap, mariadb, sidecar
from support import cloud
from support.browser import Browser, Page, address, fetched
from support.directory import ldap_modify
from support.waiting import until
from support.wiki import Bot, Json, blocked, refused, register
from support.wording import said
from support.world import OPERATOR, OUTSIDER, VOLUNTEER, Account, down, lab, operations, sidecar_with

PAGE = "Special:NovaKey"


@dataclass(frozen=True)
class Pair:
    """What ssh-keygen has made."""

    file: Path

    @property
    def public(self) -> str:
        return self.file.with_suffix(".pub").read_text().strip()

    @property
    def private(self) -> str:
        return self.file.read_text()

    @property
    def fingerprint(self) -> str:
        return self._told("-l").split()[1]

    @property
    def keypair(self) -> str:
        """What Nova is to call it."""
        return self.fingerprint.translate(str.maketrans(":+/", "--_"))

    @property
    def rfc4716(self) -> str:
        return self._told("-e")

    def _told(self, what: str) -> str:
        command = ["ssh-keygen", what, "-f", str(self.file.with_suffix(".pub"))]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Pair]:
    def make(kind: str = "ed25519", bits: str = "", comment: str = "e2e@laptop") -> Pair:
        file = tmp_path / fresh_name()
        size = ["-b", bits] if bits else []
        command = ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", comment, "-f", str(file)]
        subprocess.run(command, check=True)
        return Pair(file)

    return make


@pytest.fixture(autouse=True)
def no_keys() -> Iterator[None]:
    """Nobody has keys before a test, and after it."""

    def remove() -> None:
        for uid in (VOLUNTEER.uid, OUTSIDER.uid, OPERATOR.uid):
            ldap_modify(f"dn: uid={uid},ou=people,{ldap.BASE}\nchangetype: modify\ndelete: sshPublicKey\n")
            cloud.delete_keypairs(uid)

    remove()
    yield
    remove()


def in_ldap(uid: str = VOLUNTEER.uid) -> set[str]:
    """The values, octet by octet."""
    command = ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", ldap.url(lab), "-D", ldap.ADMIN,
               "-y", str(lab.secret_file("ldap-admin")), "-b", f"uid={uid},ou=people,{ldap.BASE}", "sshPublicKey"]  # fmt: skip
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    name = "sshPublicKey:"
    coded = {base64.b64decode(line.removeprefix(f"{name}: ")).decode() for line in lines if line.startswith(f"{name}:")}
    return coded | {line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")}


def call(bot: Bot, subaction: str, **params: str) -> Json:
    token = bot.site.get_token("csrf")
    return bot.site.post("novakey", subaction=subaction, token=token, **params)["novakey"]


def done(bot: Bot, subaction: str, **params: str) -> None:
    over = bot.followed(call(bot, subaction, **params))
    assert over["state"] == "done", over


def pasted(browser: Browser, text: str, **more: str) -> Page:
    """The form, sent by a client that shows all that comes back."""
    form = browser.open(PAGE)
    sent = form.form("addkey") | {"key": [text]} | {name: [value] for name, value in more.items()}
    return fetched(browser.http(), form.form_address("addkey"), data=sent)


def listed(page: Page) -> list[list[str]]:
    """Kind, bits, fingerprint and comment of each."""
    rows = page.tree.xpath("//table[@id='keys']/tbody/tr")
    return [[" ".join(td.text_content().split()) for td in tr.findall("td")[:4]] for tr in rows]


def test_a_key_is_added_seen_and_removed(volunteer: Browser, made: Callable[..., Pair]) -> None:
    pair, rsa = made(), made("rsa", "3072", "e2e & <b>rsa</b>")
    page = volunteer.open(PAGE)
    assert said(page.text, "keys-none"), page.text
    volunteer.fill(key=f"  {pair.public}\n")
    page = volunteer.submit("addkey", "dryrun")
    assert said(page.text, "will-add-key", pair.fingerprint, VOLUNTEER.uid), page.text
    volunteer.shot("key-plan")
    assert in_ldap() == set()
    # What it was read as stands there now.
    volunteer.submit("addkey")
    until(lambda: said(volunteer.page.text, "addkey-done", pair.fingerprint), "the key is added", 60)
    assert in_ldap() == {pair.public}
    volunteer.fill(key=rsa.rfc4716)
    volunteer.submit("addkey")
    until(lambda: said(volunteer.page.text, "addkey-done", rsa.fingerprint), "the other key is added", 60)
    (second,) = in_ldap() - {pair.public}
    assert second.split()[:2] == rsa.public.split()[:2] and second.split()[2] == "3072-bit"

    page = volunteer.open(PAGE)
    assert ["ssh-ed25519", "256", pair.fingerprint, "e2e@laptop"] in listed(page)
    assert ["ssh-rsa", "3072", rsa.fingerprint] in [row[:3] for row in listed(page)]
    volunteer.shot("keys")
    volunteer.open(PAGE, action="delete", hash=pair.fingerprint)
    volunteer.shot("key-remove")
    volunteer.submit("deletekey")
    until(lambda: said(volunteer.page.text, "deletekey-done", pair.fingerprint), "the key is removed", 60)
    assert in_ldap() == {second}
    page = volunteer.open(PAGE, action="delete", hash=pair.fingerprint)
    assert said(page.text, "key-gone", pair.fingerprint), page.text


def test_what_is_no_good_key_is_refused_with_what_to_do(volunteer: Browser, made: Callable[..., Pair]) -> None:
    pair, before = made(), operations()
    kind, blob, _ = pair.public.split()
    for text, key, *params in [
        (made("rsa", "2048").public, "key-short", "2048", "3072"),
        (made("dsa").public, "key-dsa", "1024"),
        (f'command="/bin/sh" {pair.public}', "key-options", "command", kind),
        (f"{pair.public}\n{made().public}", "key-lines"),
        (f"{kind} {blob[:40]}\n{blob[40:]}", "key-lines"),
        (f"{kind} {blob[:-8]}", "key-broken"),
        (f"{pair.public} \u202egnp.exe", "key-control"),
        (f"{pair.public} \x00", "key-control"),
        ("<script>alert(1)</script>", "key-notakey"),
        ("", "key-none"),
        ("x" * 65536, "key-toolong"),
    ]:
        page = pasted(volunteer, text)
        assert page.status == 422 and said(page.field_error("key"), key, *params), (text[:60], page.text)
    volunteer.open(PAGE)
    volunteer.fill(key=made("dsa").public)
    volunteer.submit("addkey")
    volunteer.shot("key-refused")
    assert operations() == before and in_ldap() == set()


def test_a_private_key_is_told_to_be_burnt_and_kept_nowhere(
    volunteer: Browser, volunteer_bot: Bot, made: Callable[..., Pair]
) -> None:
    pair, rsa = made(), made("rsa", "3072")
    secrets = [line for each in (pair, rsa) for line in each.private.splitlines()[1:-1]]
    headless = "\n".join(pair.private.splitlines()[1:-1])
    pages = []
    for text in (pair.private, rsa.private, headless, f"{pair.public}\n{pair.private}", " ".join(pair.private.split("\n"))):
        page = pasted(volunteer, text)
        assert said(page.field_error("key"), "key-private"), page.text
        pages.append(page)
        pages.append(pasted(volunteer, text, dryrun="1"))
        # The wiki's own form, which a lost session brings back, has nothing of it either.
        pages.append(pasted(volunteer, text, wpEditToken="+\\"))
        assert pages[-1].status == 403
        assert refused(call, volunteer_bot, "add", key=text, idempotencykey=fresh_name()) == "openstackmanager-key-private"
    volunteer.open(PAGE)
    volunteer.fill(key=pair.private)
    page = volunteer.submit("addkey")
    assert said(page.field_error("key"), "key-private"), page.text
    volunteer.shot("key-private")
    pages.append(page)
    assert in_ldap() == set()

    shown = "".join(each.tree.text_content() + "".join(each.tree.xpath("//@value | //@href")) for each in pages)
    logs = "".join(file.read_text(errors="replace") for file in lab.log("sidecar").parent.rglob("*.log"))
    dump = lab.folder("e2e-keys") / "dump.sql"
    mariadb.dump(lab, [sidecar.ACCOUNT, "wiki"], dump)
    database = dump.read_text(errors="replace")
    dump.unlink()
    assert len(logs) > 1000 and VOLUNTEER.name in database
    for line in secrets:
        # The first lines are mostly what all keys have.
        for piece in (line[-24:], line[:24] if line != secrets[0] else line[-16:]):
            assert piece not in shown and piece not in logs and piece not in database


def test_by_bot_with_a_plan_first_and_once(volunteer_bot: Bot, made: Callable[..., Pair]) -> None:
    pair, before = made(), operations()
    shown = call(volunteer_bot, "add", key=pair.public, dryrun="1")
    assert shown["plan"]["name"] == pair.fingerprint
    change, keypair = shown["changes"]
    assert change["before"] is None and change["after"]["key"] == pair.public
    assert keypair["before"] is None and keypair["resource"].endswith(f"/{VOLUNTEER.uid}/{pair.keypair}")
    assert operations() == before and in_ldap() == set()

    key = fresh_name()
    first = call(volunteer_bot, "add", key=pair.public, idempotencykey=key)
    over = volunteer_bot.followed(first)
    assert (over["state"], over["project"], [step["name"] for step in over["steps"]]) == (
        "done", "", ["add-key", "create-keypair"])  # fmt: skip
    again = call(volunteer_bot, "add", key=f"{pair.public}\n", idempotencykey=key)
    assert again["operation"] == first["operation"] and operations() == before + 1
    code = refused(call, volunteer_bot, "add", key=f"{pair.public} again")
    assert code == "openstackmanager-key-there"
    # In an address a key would stand in logs.
    token = volunteer_bot.site.get_token("csrf")
    answer = volunteer_bot.site.connection.post(
        f"{lab.url('wiki')}/api.php", params={"key": pair.public},
        data={"action": "novakey", "subaction": "add", "token": token, "format": "json"},
    ).json()  # fmt: skip
    assert answer["error"]["code"] == "mustpostparams", answer

    facts = call(volunteer_bot, "delete", hash=pair.fingerprint, dryrun="1")["plan"]["facts"]
    assert facts[f"{pair.fingerprint} of {VOLUNTEER.uid}"] == "1"
    done(volunteer_bot, "delete", hash=pair.fingerprint)
    assert in_ldap() == set()


def test_each_their_own(
    volunteer_bot: Bot, outsider_bot: Bot, operator_bot: Bot, bot: Callable[[Account], Bot], made: Callable[..., Pair]
) -> None:
    pair = made()
    done(volunteer_bot, "add", key=pair.public)
    for other in (outsider_bot, operator_bot):
        code = refused(call, other, "delete", hash=pair.fingerprint)
        assert code == "openstackmanager-key-gone"
    # The same key at two accounts is each one's own.
    done(outsider_bot, "add", key=pair.public)
    done(outsider_bot, "delete", hash=pair.fingerprint)
    assert in_ldap() == {pair.public} and in_ldap(OUTSIDER.uid) == set()

    begun = call(volunteer_bot, "add", key=made().public)
    assert refused(outsider_bot.operation, begun["operation"]) == "openstackmanager-notyours"
    assert operator_bot.operation(begun["operation"])["name"]
    volunteer_bot.followed(begun)
    before, held = operations(), in_ldap()
    stranger = bot(register(f"E2e keyless {fresh_name()}"))
    assert refused(call, stranger, "add", key=made().public) == "openstackmanager-nolink"
    with blocked(VOLUNTEER, "e2e: a block"):
        for way in ({"subaction": "add", "key": made().public}, {"subaction": "delete", "hash": pair.fingerprint}):
            assert refused(call, volunteer_bot, **way) == "openstackmanager-blocked"
    assert operations() == before and in_ldap() == held


def test_what_is_begun_is_taken_back_by_whose_it_is(
    volunteer_bot: Bot, operator_bot: Bot, made: Callable[..., Pair]
) -> None:
    pair, held = made(), lab.dir / "sidecar" / fresh_name()
    hold = {"OSM_HOLD_AT": "key-add/0-add-key.sent", "OSM_HOLD_FILE": str(held)}
    with sidecar_with(lambda config: config, **hold):
        begun = call(volunteer_bot, "add", key=pair.public)
        until(held.exists, "LDAP has the key, and it is not noted yet")
        assert in_ldap() == {pair.public}
        # Somebody at work on the same key.
        code = refused(call, volunteer_bot, "delete", hash=pair.fingerprint)
        assert code == "openstackmanager-busy"

        def cancel(bot: Bot) -> Json:
            token = bot.site.get_token("csrf")
            return bot.site.post("novaoperationwish", operation=begun["operation"], wish="cancel", token=token)

        assert refused(cancel, operator_bot) == "openstackmanager-notyours"
        cancel(volunteer_bot)
        lab.write(held.with_name(f"{held.name}.go"), "", 0o644)
        assert volunteer_bot.followed(begun)["state"] == "undone"
    assert in_ldap() == set()


def test_what_others_wrote_there_is_shown_and_can_be_removed(
    volunteer: Browser, volunteer_bot: Bot, made: Callable[..., Pair]
) -> None:
    old, odd = made("dsa", comment="oldest").public, 'no-pty,from="10.0.0.0/8" <script>alert(1)</script> | [[x]]'
    twice = made()
    values = [old, odd, twice.public, f"{twice.public} again"]
    coded = "".join(f"sshPublicKey:: {base64.b64encode(value.encode()).decode()}\n" for value in values)
    ldap_modify(f"dn: uid={VOLUNTEER.uid},ou=people,{ldap.BASE}\nchangetype: modify\nadd: sshPublicKey\n{coded}")
    page = volunteer.open(PAGE)
    assert said(page.text, "key-old") and said(page.text, "key-unreadable"), page.text
    assert not page.tree.xpath("//*[@id='osm-view']//script")
    volunteer.shot("keys-odd")
    assert len(listed(page)) == len(values)
    # One key is one, whatever it is called where.
    done(volunteer_bot, "delete", hash=twice.fingerprint)
    assert in_ldap() == {old, odd}
    for _, _, name, _ in listed(volunteer.open(PAGE)):
        done(volunteer_bot, "delete", hash=name)
    assert in_ldap() == set()


def test_a_key_is_a_keypair_of_ones_own_as_well(
    volunteer: Browser, volunteer_bot: Bot, outsider_bot: Bot, made: Callable[..., Pair]
) -> None:
    pair, other, rsa = made(), made(), made("rsa", "3072")
    volunteer.open(PAGE)
    volunteer.fill(key=pair.public)
    page = volunteer.submit("addkey", "dryrun")
    assert said(page.text, "will-create-keypair", pair.fingerprint, VOLUNTEER.uid, "RegionOne", pair.keypair), page.text
    volunteer.shot("key-keypair-plan")
    volunteer.submit("addkey")
    until(lambda: said(volunteer.page.text, "addkey-done", pair.fingerprint), "the key is added", 60)
    ours = f"{' '.join(pair.public.split()[:2])} openstackmanager"
    assert cloud.keypairs(VOLUNTEER.uid) == {pair.keypair: ours}
    # With a client of one's own, and for nobody else.
    theirs = cloud.member().get("nova", f"/os-keypairs/{pair.keypair}")["keypair"]
    assert theirs["public_key"].strip() == ours
    assert cloud.keypairs(OUTSIDER.uid) == {}
    done(outsider_bot, "add", key=pair.public)
    done(volunteer_bot, "add", key=rsa.public)
    assert set(cloud.keypairs(VOLUNTEER.uid)) == {pair.keypair, rsa.keypair}

    # What one has made oneself under that name stays, and that is said.
    cloud.make_keypair(other.keypair, other.public)
    shown = call(volunteer_bot, "add", key=other.public, dryrun="1")
    assert [why["key"] for why in shown["without"]] == ["openstackmanager-keypair-taken"]
    done(volunteer_bot, "add", key=other.public)
    done(volunteer_bot, "delete", hash=other.fingerprint)
    assert cloud.keypairs(VOLUNTEER.uid)[other.keypair] == other.public

    page = volunteer.open(PAGE, action="delete", hash=pair.fingerprint)
    assert said(page.text, "will-delete-keypair", pair.fingerprint, VOLUNTEER.uid, "RegionOne", pair.keypair), page.text
    volunteer.submit("deletekey")
    until(lambda: said(volunteer.page.text, "deletekey-done", pair.fingerprint), "the key is removed", 60)
    assert set(cloud.keypairs(VOLUNTEER.uid)) == {rsa.keypair, other.keypair}
    assert set(cloud.keypairs(OUTSIDER.uid)) == {pair.keypair}

    # A security token's key is left out.
    token = b"\0\0\0\x1ask-ssh-ed25519@openssh.com\0\0\0\x20" + bytes(32) + b"\0\0\0\x04ssh:"
    line = f"sk-ssh-ed25519@openssh.com {base64.b64encode(token).decode()} token"
    volunteer.open(PAGE)
    volunteer.fill(key=line)
    page = volunteer.submit("addkey", "dryrun")
    assert said(page.text, "keypair-kind", "sk-ssh-ed25519@openssh.com"), page.text
    volunteer.shot("key-no-keypair")
    done(volunteer_bot, "add", key=line)
    assert line in in_ldap() and set(cloud.keypairs(VOLUNTEER.uid)) == {rsa.keypair, other.keypair}


def test_where_nova_is_away_or_keypairs_are_switched_off_ldap_is_changed_all_the_same(
    volunteer_bot: Bot, made: Callable[..., Pair]
) -> None:
    pair = made()
    with sidecar_with(lambda config: config.replace("\n[keystone]\n", "\n[keystone]\nkeypairs = false\n", 1)):
        assert call(volunteer_bot, "add", key=pair.public, dryrun="1")["without"] == []
        done(volunteer_bot, "add", key=pair.public)
    assert in_ldap() == {pair.public} and cloud.keypairs(VOLUNTEER.uid) == {}
    done(volunteer_bot, "delete", hash=pair.fingerprint)
    done(volunteer_bot, "add", key=pair.public)
    there = cloud.keypairs(VOLUNTEER.uid)
    assert set(there) == {pair.keypair}
    with down("nova"):
        shown = call(volunteer_bot, "delete", hash=pair.fingerprint, dryrun="1")
        assert [why["key"] for why in shown["without"]] == ["openstackmanager-keypair-away"]
        done(volunteer_bot, "delete", hash=pair.fingerprint)
        assert in_ldap() == set()
    assert cloud.keypairs(VOLUNTEER.uid) == there
