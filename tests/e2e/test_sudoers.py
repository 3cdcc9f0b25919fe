"""Who may run what as whom on a project's instances: rules that its admins make, as sudo reads them from LDAP."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from parts import ldap
from support.browser import Browser, fetched
from support.directory import ldap_modify
from support.waiting import until
from support.wiki import Bot, Json, refused
from support.wording import said
from support.world import OUTSIDER, VOLUNTEER, lab, operations

PAGE = "Special:NovaSudoer"
# What has no meaning as a name, and would have one in a DN, a filter, a page or a line.
HOSTILE = ["", "a,ou=people", "*)(cn=*", "a+cn=b", "a\\2cb", "[[x]]{{Delete}}", "<b>", "a\nb", "\u202eevil", "x" * 65536]


def call(bot: Bot, module: str, subaction: str, **params: str) -> Json:
    sent = {"subaction": subaction, "token": bot.site.get_token("csrf")} | params
    return bot.site.post(module, **sent)[module]


def begun(bot: Bot, project: str, subaction: str, name: str, **params: str) -> Json:
    return call(bot, "novasudoer", subaction, projectname=project, sudoername=name, **params)


def done(bot: Bot, project: str, subaction: str, name: str, **params: str) -> None:
    over = bot.followed(begun(bot, project, subaction, name, **params))
    assert over["state"] == "done", over


@pytest.fixture(scope="module")
def project(operator_bot: Bot, volunteer_bot: Bot) -> Iterator[str]:
    """Its admin is the volunteer, who is no cloud admin; the outsider is a member."""
    name = f"sudo-{secrets.token_hex(4)}"
    operator_bot.followed(call(operator_bot, "novaproject", "create", projectname=name, member=VOLUNTEER.uid))
    added = call(volunteer_bot, "novaproject", "addmember", projectname=name, member=OUTSIDER.uid)
    volunteer_bot.followed({"operation": added["operations"][0]})
    yield name
    operator_bot.followed(call(operator_bot, "novaproject", "delete", projectname=name))


def ldif(project: str) -> str:
    command = ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", ldap.url(lab), "-D", ldap.ADMIN, "-y",
               str(lab.secret_file("ldap-admin")), "-b", dn(project), "(objectClass=sudoRole)"]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def dn(project: str, rule: str = "") -> str:
    place = f"ou=sudoers,cn={project},ou=projects,{ldap.BASE}"
    return f"cn={rule},{place}" if rule else place


def in_ldap(project: str, rule: str) -> dict[str, set[str]]:
    """The attributes of a rule; none where there is none."""
    for entry in ldif(project).split("\n\n"):
        lines = [line.partition(":") for line in entry.splitlines()]
        if lines and lines[0][2].strip() == dn(project, rule):
            found: dict[str, set[str]] = {}
            for name, _, value in lines[1:]:
                text = base64.b64decode(value[1:]).decode() if value.startswith(":") else value.strip()
                found.setdefault(name, set()).add(text)
            return found
    return {}


def test_a_rule_is_made_changed_and_deleted(volunteer: Browser, volunteer_bot: Bot, project: str) -> None:
    everyone = f"%project-{project}"
    page = volunteer.open(PAGE, projectname=project)
    (row,) = page.tree.xpath(f"//table[@id='sudo-{project}']/tbody/tr")
    cells = [" ".join(td.text_content().split()) for td in row.findall("td")]
    assert cells[:6] == ["default", "All project members", "anything", "root", "is not asked", ""], cells

    volunteer.open(PAGE, action="create", projectname=project)
    volunteer.fill(sudoername="web", commands="/usr/bin/systemctl restart nginx\n/bin/ls")
    volunteer.tick("users", OUTSIDER.uid)
    page = volunteer.submit("createsudo", "dryrun")
    assert said(page.text, "will-create-sudo-rule", "web"), page.text
    volunteer.shot("sudo-create")
    assert in_ldap(project, "web") == {}
    volunteer.submit("createsudo")
    until(lambda: said(volunteer.page.text, "createsudo-done", "web"), "the rule is there", 60)
    assert in_ldap(project, "web") == {
        "objectClass": {"top", "sudoRole"}, "cn": {"web"}, "sudoHost": {"ALL"}, "sudoUser": {OUTSIDER.uid},
        "sudoCommand": {"/usr/bin/systemctl restart nginx", "/bin/ls"}, "sudoOption": {"authenticate"},
    }  # fmt: skip

    # What others put there is shown, and stays.
    ldap_modify(f"dn: {dn(project, 'web')}\nchangetype: modify\nadd: sudoUser\nsudoUser: +ops\nsudoUser: #1001\n-\n"
                "add: sudoOrder\nsudoOrder: 5\n-\nadd: sudoRunAsGroup\nsudoRunAsGroup: adm\n")  # fmt: skip
    page = volunteer.open(PAGE, action="modify", projectname=project, sudoername="web")
    assert said(page.text, "sudo-users-kept", "#1001, +ops") and "sudoOrder: 5" in page.text, page.text
    late = page.form("modifysudo") | {"commands": ["ALL"]}
    volunteer.tick("users", everyone)
    volunteer.tick("users", OUTSIDER.uid)
    volunteer.tick("runas", VOLUNTEER.uid)
    volunteer.fill(commands="/bin/ls")
    volunteer.driver.find_element("css selector", "input[name=requirepassword]").click()
    volunteer.shot("sudo-modify")
    volunteer.submit("modifysudo")
    until(lambda: said(volunteer.page.text, "modifysudo-done", "web"), "the rule is changed", 60)
    volunteer.shot("sudo-rules")
    changed = {
        "objectClass": {"top", "sudoRole"}, "cn": {"web"}, "sudoHost": {"ALL"}, "sudoUser": {everyone, "+ops", "#1001"},
        "sudoCommand": {"/bin/ls"}, "sudoOption": {"!authenticate"}, "sudoRunAsUser": {VOLUNTEER.uid},
        "sudoRunAsGroup": {"adm"}, "sudoOrder": {"5"},
    }  # fmt: skip
    assert in_ldap(project, "web") == changed

    # From the older sight of it nothing is changed, and it is said what it is now.
    before = operations()
    page = fetched(volunteer.http(), page.form_address("modifysudo"), data=late)
    assert page.status == 409 and f"→ #1001, {everyone}, +ops" in page.text, page.text
    facts = json.dumps(begun(volunteer_bot, project, "delete", "web", dryrun="1")["plan"]["facts"])
    ldap_modify(f"dn: {dn(project, 'web')}\nchangetype: modify\ndelete: sudoOrder\n")
    assert refused(begun, volunteer_bot, project, "delete", "web", facts=facts) == "openstackmanager-planchanged"
    assert operations() == before and in_ldap(project, "web") == {k: v for k, v in changed.items() if k != "sudoOrder"}

    page = volunteer.open(PAGE, action="delete", projectname=project, sudoername="default")
    assert said(page.text, "sudo-default", project), page.text
    volunteer.shot("sudo-delete")
    volunteer.open(PAGE, action="delete", projectname=project, sudoername="web")
    volunteer.submit("deletesudo")
    until(lambda: said(volunteer.page.text, "deletesudo-done", "web"), "the rule is gone", 60)
    assert in_ldap(project, "web") == {} and in_ldap(project, "default")


def test_it_means_to_sudo_what_was_said(volunteer_bot: Bot, project: str, tmp_path: Path) -> None:
    everyone = f"%project-{project}"
    sha = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    cases: list[tuple[dict[str, str], Json]] = [
        (
            {"users": everyone, "commands": "ALL", "requirepassword": "no"},
            {"users": [{"usergroup": everyone[1:]}], "runas": [], "commands": [{"command": "ALL"}], "asks": False},
        ),
        (
            {"users": f"{VOLUNTEER.uid}|{OUTSIDER.uid}", "runas": f"ALL|{everyone}",
             "commands": "/bin/ls\n!/bin/su\n/usr/bin/systemctl restart a=b,c:d \\* #1 \"x y\"\nsudoedit /etc/motd"},
            {"users": [{"username": OUTSIDER.uid}, {"username": VOLUNTEER.uid}],
             "runas": [{"usergroup": everyone[1:]}, {"username": "ALL"}],
             "commands": [{"command": "/bin/su", "negated": True}, {"command": "/bin/ls"},
                          {"command": "/usr/bin/systemctl restart a=b,c:d \\* #1 \"x y\""},
                          {"command": "sudoedit /etc/motd"}],
             "asks": True},
        ),
        (
            {"users": VOLUNTEER.uid, "runas": OUTSIDER.uid, "commands": f"{sha} /bin/ls -l", "options": "!lecture\nenv_keep+=LANG"},
            {"users": [{"username": VOLUNTEER.uid}], "runas": [{"username": OUTSIDER.uid}],
             "commands": [{"command": "/bin/ls -l", "sha256": sha.partition(":")[2]}], "asks": True},
        ),
    ]  # fmt: skip
    names = [f"means-{number}" for number in range(len(cases))]
    under_way = [begun(volunteer_bot, project, "create", name, **case) for name, (case, _) in zip(names, cases)]
    for each in under_way:
        assert volunteer_bot.followed(each)["state"] == "done"
    source = tmp_path / "rules.ldif"
    source.write_text(ldif(project))
    for name, (_, meant) in zip(names, cases):
        assert read_by_sudo(source, dn(project), name) == meant, name
    # All of it together is one that sudo takes.
    sudoers = tmp_path / "sudoers"
    convert(source, "sudoers", "-o", str(sudoers))
    subprocess.run(["/usr/sbin/visudo", "-c", "-f", str(sudoers)], check=True, capture_output=True)
    for name in names:
        done(volunteer_bot, project, "delete", name)


def convert(source: Path, form: str, *words: str) -> str:
    """Sudo's own reading of LDAP's entries."""
    command = ["/usr/bin/cvtsudoers", "-c", "/dev/null", "-i", "ldif", "-f", form, *words, str(source)]
    converted = subprocess.run(command, capture_output=True, text=True)
    # What a file says in a line of its own it does not convert.
    wrong = [line for line in converted.stderr.splitlines() if "unable to convert sudoOption" not in line]
    assert converted.returncode == 0 and not wrong, wrong
    return converted.stdout


def read_by_sudo(source: Path, base: str, rule: str) -> Json:
    """Users, as whom, commands (what is forbidden first) and whether the password is asked for."""
    one = source.with_name(f"{rule}.ldif")
    (entry,) = [each for each in source.read_text().split("\n\n") if f"dn: cn={rule},{base}" in each]
    one.write_text(f"{entry}\n\n")
    (spec,) = json.loads(convert(one, "json"))["User_Specs"]
    (what,) = spec["Cmnd_Specs"]

    def sorted_by_text(values: list[Json]) -> list[Json]:
        return sorted(values, key=lambda value: (not value.get("negated"), json.dumps(value)))

    options = {key: value for each in what.get("Options", []) for key, value in each.items()}
    return {
        "users": sorted_by_text(spec["User_List"]),
        "runas": sorted_by_text(what.get("runasusers", [])),
        "commands": sorted_by_text(what["Commands"]),
        "asks": options.get("authenticate", True),
    }


def test_who_is_no_admin_and_what_is_no_rule(
    volunteer: Browser, volunteer_bot: Bot, outsider: Browser, outsider_bot: Bot, project: str
) -> None:
    before, held = operations(), ldif(project)
    good = {"users": VOLUNTEER.uid, "commands": "ALL"}
    page = outsider.open(PAGE)
    assert "All project members" in page.text and not page.tree.xpath("//a[contains(@href, 'sudoername')]")
    assert said(outsider.open(PAGE, action="create", projectname=project).text, "needrole", "projectadmin", project)
    for subaction, name in (("create", "mine"), ("modify", "default"), ("delete", "default")):
        assert refused(begun, outsider_bot, project, subaction, name, **good) == "openstackmanager-needrole"
    assert refused(begun, outsider_bot, "tools", "create", "mine", **good) == "openstackmanager-noaccount"
    for name in HOSTILE:
        for subaction in ("create", "modify", "delete"):
            code = refused(begun, volunteer_bot, project, subaction, name, **good)
            known = ("openstackmanager-sudo-badname", "openstackmanager-sudo-nosuchrule", "missingparam")
            assert code in known, (subaction, name[:20], code)
    for project_name in ("bots,ou=x", "*", "x" * 65536):
        assert refused(begun, volunteer_bot, project_name, "create", "mine", **good) == "openstackmanager-badprojectname"

    # At its field, in the form.
    form = volunteer.open(PAGE, action="create", projectname=project)
    typed = form.form("createsudo") | {"sudoername": ["mine"], "users[]": [VOLUNTEER.uid], "commands": ["ALL"]}
    for field, text, *why in [
        ("sudoername", "a,ou=people", "sudo-badname", "a,ou=people"),
        ("sudoername", "defaults", "sudo-settingsname", "defaults"),
        ("commands", "/bin/ls\nls -l", "sudo-badcommand", "ls -l"),
        ("commands", "/bin/\u202esl", "sudo-signs", "/bin/\\u{202e}sl"),
        ("commands", "/bin/ls\x00", "sudo-signs", "/bin/ls\\u{fffd}"),
        ("commands", "<script>alert(1)</script>", "sudo-badcommand", "<script>alert(1)</script>"),
        ("commands", "/bin/" + "x" * 65536, "sudo-long", "/bin/" + "x" * 34 + "…", "1,000"),
        ("options", "!authenticate", "sudo-askoption", "!authenticate"),
        ("users[]", "%wheel", "sudo-notmember", "%wheel", project),
        ("runas[]", "#0", "sudo-notmember", "#0", project),
    ]:
        page = fetched(volunteer.http(), form.form_address("createsudo"), data=typed | {field: [text]})
        told = page.field_error(field.removesuffix("[]"))
        assert page.status == 422 and said(told, *why), (field, text[:30], told, page.text[:500])
    assert operations() == before and ldif(project) == held


def test_who_leaves_leaves_the_rules(volunteer_bot: Bot, project: str) -> None:
    done(volunteer_bot, project, "create", "theirs", users=OUTSIDER.uid, commands="/bin/ls")
    done(volunteer_bot, project, "create", "both", users=f"{OUTSIDER.uid}|{VOLUNTEER.uid}", commands="/bin/ls")
    leave = {"projectname": project, "members": OUTSIDER.uid}
    (plan,) = call(volunteer_bot, "novaproject", "deletemember", dryrun="1", **leave)["plans"]
    assert plan["facts"][f"sudo rules of {OUTSIDER.uid}"] == "both, theirs"
    over = volunteer_bot.followed({"operation": call(volunteer_bot, "novaproject", "deletemember", **leave)["operations"][0]})
    steps = [step["name"] for step in over["steps"]]
    assert over["state"] == "done" and steps.count("change-sudo-rule") == 2, over
    # The rule that is for nobody stays.
    assert "sudoUser" not in in_ldap(project, "theirs") and in_ldap(project, "theirs")["sudoCommand"] == {"/bin/ls"}
    assert in_ldap(project, "both")["sudoUser"] == {VOLUNTEER.uid}
    assert in_ldap(project, "default")["sudoUser"] == {f"%project-{project}"}
