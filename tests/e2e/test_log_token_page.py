"""The page on which a project's admins make and revoke the tokens by which scripts log."""

from __future__ import annotations

import re

from parts import mariadb, sidecar
from support.browser import Browser
from support.irc import word
from support.wiki import Bot
from support.world import command, lab

from test_log_tokens import log, on_page

PAGE = "Special:NovaLog"


def test_an_admin_makes_and_revokes_a_token(operator: Browser, volunteer: Browser, outsider_bot: Bot) -> None:
    name, said = word(), word()
    page = operator.open(PAGE, action="tokens", project="bots")
    assert page.title == "Tokens for the log of bots"
    operator.fill(name=name)
    page = operator.submit("log-token-make")
    operator.shot("log-tokens")
    token = re.search(r"osmlog_[0-9a-f]{64}", page.text)
    assert token, page.text
    assert log(token[0], "bots", said).returncode == 0
    assert f" {name}: {said}" in on_page(outsider_bot, said)

    # It is shown once, with who made it and when it was used.
    page = operator.open(PAGE, action="tokens", project="bots")
    row = page.tree.xpath(f"//tr[@id='token-{name}']/td")
    assert [row[0].text_content(), row[2].text_content()] == [name, "Operator"]
    assert re.search(r"\d{4}", row[3].text_content()), "it was used"
    secret = token[0].removeprefix("osmlog_")
    assert secret not in operator.driver.page_source
    logs = "".join(lab.log(each).read_text(errors="replace") for each in ["sidecar", "sidecar-commands"])
    assert secret not in logs
    assert secret not in str(mariadb.query(lab, "SELECT * FROM log_tokens", sidecar.ACCOUNT))

    # One name, one token.
    operator.fill(name=name)
    assert "has a token" in operator.submit("log-token-make").text
    operator.open(PAGE, action="tokens", project="bots")
    operator.fill(name="[[x]]")
    assert "at most 40 letters" in operator.submit("log-token-make").text

    operator.open(PAGE, action="tokens", project="bots")
    assert f"The token {name} is revoked" in operator.submit(f"log-token-revoke-{name}").text
    refused = log(token[0], "bots", "x")
    assert refused.returncode == 1 and "no such token" in refused.stderr, refused
    assert name not in command("log-token", "list", "bots").stdout


def test_nobody_else_sees_or_makes_them(volunteer: Browser, outsider: Browser) -> None:
    name = word()
    assert command("log-token", "make", "bots", name).returncode == 0
    for browser, why in [(volunteer, "projectadmin"), (outsider, "bots")]:
        page = browser.open(PAGE, action="tokens", project="bots")
        assert why in page.text and name not in page.text and not page.tree.xpath("//*[@id='log-token-make']"), page.text
        # By hand, with the wiki's own token.
        edit = browser.driver.execute_script("return mw.user.tokens.get('csrfToken')")
        for wish in ["make", "revoke"]:
            sent = {"wpname": name if wish == "revoke" else word(), "wpwish": wish, "wpEditToken": edit,
                    "action": "tokens", "project": "bots"}  # fmt: skip
            answer = browser.driver.execute_async_script(
                """const [sent, url, done] = arguments;
                fetch(url, {method: 'POST', body: new URLSearchParams(sent)})
                    .then(async answer => done([answer.status, await answer.text()]));""",
                sent, browser.driver.current_url,
            )  # fmt: skip
            assert answer[0] == 403 and "osmlog_" not in answer[1], answer[0]
    assert len(command("log-token", "list", "bots").stdout.split(name)) == 2, "it is there, and no other was made"
    command("log-token", "revoke", "bots", name)
