"""What people type is text wherever it is shown: names and descriptions from outside, full of markup."""

from __future__ import annotations

import pytest
from parts import ldap
from support import cloud
from support.browser import Browser
from support.waiting import until
from support.wiki import Bot
from support.world import down, lab
from test_people import ldap_modify

NAMES = [
    "e2e-x]]{{Delete}}<script>alert(1)</script>",
    "e2e-|~~~~[[Category:Taken over]]''b''",
    "e2e-&lt;&#91;__NOTOC__ http://example.org/ <nowiki>",
    "e2e-=a= {{{1}}} {{!}} }}<!-- -->",
]
DESCRIPTION = "Bots | ~~~~ [[Category:Taken over]] {{Delete}} <script>alert(1)</script> <!-- {{{1|}}}"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_from_outside(volunteer: Browser, volunteer_bot: Bot, name: str) -> None:
    server_id = cloud.create(name)
    title = f"Nova Resource:I-{server_id[:8]}"
    until(lambda: volunteer_bot.page(title), "the page of a server that nobody asked us for")
    until(lambda: volunteer_bot.facts(title).get("Instance Name") == [name], "the name, octet by octet", 20)
    page = volunteer.open(title)
    assert " ".join(name.split()) in page.text
    harmless(page.tree, volunteer_bot, title)
    volunteer.shot(f"hostile-{NAMES.index(name)}")

    page = volunteer.open("Special:NovaInstance")
    assert " ".join(name.split()) in page.rows("bots")
    assert not page.tree.xpath("//*[@id='osm-view']//script | //*[@id='osm-view']//b")
    page = volunteer.open("Special:RecentChanges", namespace="498", days="1", hidebots="0")
    assert not page.tree.xpath("//*[@class='comment']//script | //*[@class='comment']//b")
    cloud.delete(server_id)
    until(lambda: volunteer_bot.facts(title).get("Resource Type") == ["deleted instance"], "its page says that it is gone")
    until(lambda: " ".join(name.split()) in volunteer.open(title).text, "the name on the page of what was", 20)


def test_a_project_s_description(operator: Browser, operator_bot: Bot) -> None:
    title = "Nova Resource:Tools"
    dn = f"cn=tools,ou=projects,{ldap.BASE}"
    change = "dn: {}\nchangetype: modify\nreplace: description\ndescription: {}\n"
    ldap_modify(change.format(dn, DESCRIPTION))
    try:
        # Projects are looked at when the sidecar starts.
        with down("sidecar"):
            pass
        until(lambda: "alert(1)" in operator_bot.page(title)["text"], "the description on the project's page")
        page = operator.open(title)
        assert DESCRIPTION in page.text
        harmless(page.tree, operator_bot, title)
        page = operator.open("Special:NovaProject")
        assert DESCRIPTION in page.text
    finally:
        ldap_modify(change.format(dn, "Tools for everybody"))
        with down("sidecar"):
            pass


def harmless(tree, bot: Bot, title: str) -> None:
    assert not tree.xpath("//*[@id='mw-content-text']//script[contains(., 'alert')]")
    parsed = bot.site.get("parse", page=title, prop="categories|templates|externallinks")["parse"]
    assert not any("Taken" in each["*"] for each in parsed["categories"])
    assert not any(each["*"] == "Template:Delete" for each in parsed["templates"])
    assert not any("example.org" in link for link in parsed["externallinks"])
