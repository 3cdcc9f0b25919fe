"""A headless Chromium that a person uses, and pages as they come from it or from a plain HTTP client."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

import lxml.html
import requests
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from support.waiting import until
from support.world import OUT, WIKI, Account

# Cells of a row of the list, in order.
CELLS = ["name", "id", "state", "addresses", "flavor", "image", "launched", "actions"]
ROOT_FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1000",
    # Nothing but the lab is ever asked.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--no-proxy-server",
]  # fmt: skip


def address(page: str, **query: str) -> str:
    """The address of a wiki page, as links on the wiki have it."""
    path = f"{WIKI}/wiki/{quote(page.replace(' ', '_'), safe=':/()')}"
    return f"{path}?{urlencode(query)}" if query else path


@dataclass(frozen=True)
class Row:
    """An instance on the list."""

    id: str
    cells: dict[str, str]
    links: dict[str, str]

    def action(self, word: str) -> str | None:
        """The address behind delete, reboot or consoleoutput."""
        for href in self.links.values():
            if parse_qs(urlsplit(href).query).get("action") == [word]:
                return href
        return None


class Page:
    """A wiki page that has been received."""

    def __init__(self, html: str, url: str, status: int | None = None) -> None:
        self.tree = lxml.html.fromstring(html)
        self.url = url
        self.status = status

    @property
    def text(self) -> str:
        (content,) = self.tree.xpath("//*[@id='mw-content-text']") or [self.tree]
        return " ".join(content.text_content().split())

    @property
    def title(self) -> str:
        return self.tree.xpath("string(//*[@id='firstHeading'])").strip()

    def rows(self, project: str) -> dict[str, Row]:
        """The instances of a project on the list, by name."""
        found = {}
        for tr in self.tree.xpath(f"//table[@id='instances-{project}']/tbody/tr"):
            cells = tr.findall("td")
            texts = dict(zip(CELLS, (" ".join(td.text_content().split()) for td in cells)))
            links = {a.text_content(): urljoin(self.url, a.get("href")) for a in tr.xpath(".//a[@href]")}
            found[texts["name"]] = Row(tr.get("id"), texts, links)
        return found

    @property
    def projects(self) -> list[str]:
        prefix = "instances-"
        ids = self.tree.xpath(f"//table[starts-with(@id, '{prefix}')]/@id")
        headings = self.tree.xpath("//*[@id='osm-view']/h2/@id")
        return headings or [each.removeprefix(prefix) for each in ids]

    def form(self, form_id: str) -> dict[str, list[str]]:
        """What a browser would send of a form that nobody touched; lists, as names may repeat."""
        (form,) = self.tree.xpath(f"//form[@id='{form_id}']")
        sent: dict[str, list[str]] = {}
        for name, value in form.form_values():
            sent.setdefault(name, []).append(value)
        return sent

    def form_address(self, form_id: str) -> str:
        (action,) = self.tree.xpath(f"//form[@id='{form_id}']/@action")
        return urljoin(self.url, action)

    def field_error(self, name: str) -> str:
        """What is said at a field."""
        layouts = self.tree.xpath(
            f"//*[contains(concat(' ', @class, ' '), ' oo-ui-fieldLayout ')]"
            f"[.//*[@name='{name}' or @name='{name}[]']]"
            f"//*[contains(@class, 'oo-ui-fieldLayout-messages')]"
        )
        return " ".join(" ".join(layout.text_content().split()) for layout in layouts)


class Browser:
    """A person's browser."""

    def __init__(self, account: Account, *, javascript: bool = True) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for flag in ROOT_FLAGS:
            options.add_argument(flag)
        if not javascript:
            prefs = {"profile.managed_default_content_settings.javascript": 2}
            options.add_experimental_option("prefs", prefs)
        service = webdriver.ChromeService("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options, service)
        self.account = account
        self.javascript = javascript
        self._log_in()

    def _log_in(self) -> None:
        self.driver.get(address("Special:UserLogin"))
        self.driver.find_element(By.NAME, "wpName").send_keys(self.account.name)
        self.driver.find_element(By.NAME, "wpPassword").send_keys(self.account.password)
        self.driver.find_element(By.ID, "wpLoginAttempt").click()
        until(lambda: self.driver.find_elements(By.ID, "pt-userpage"), f"{self.account.name} is logged in", 30)

    def open(self, page: str, **query: str) -> Page:
        return self.go(address(page, **query))

    def go(self, url: str) -> Page:
        # The driver has been seen to come back with the document before, and with none at all.
        self.driver.execute_script("window.before = true")
        self.driver.get(url)
        return self.page

    @property
    def page(self) -> Page:
        until(self._loaded, "a page is there", 30)
        return Page(self.driver.page_source, self.driver.current_url)

    def _loaded(self) -> bool:
        try:
            return self.driver.execute_script("return !window.before && document.readyState === 'complete'")
        except WebDriverException:
            # It is just being replaced.
            return False

    def fill(self, **fields: str) -> None:
        """Fills a form; a select takes how the text of its option begins."""
        for name, value in fields.items():
            field = self.driver.find_element(By.NAME, name)
            if field.tag_name != "select":
                field.clear()
                field.send_keys(value)
            elif self.javascript:
                self._choose_in_menu(name, value)
            else:
                options = [option.text for option in Select(field).options]
                Select(field).select_by_visible_text(self._beginning(options, value))

    def _choose_in_menu(self, name: str, value: str) -> None:
        """MediaWiki's script puts a menu of its own in the place of a select."""
        find = self.driver.find_elements
        handle = f"//select[@name='{name}']/..//*[contains(@class, 'oo-ui-dropdownWidget-handle')]"
        until(lambda: find(By.XPATH, handle), f"the menu of {name}", 20)[0].click()
        shown = until(lambda: [each for each in find(By.CSS_SELECTOR, ".oo-ui-menuOptionWidget") if each.is_displayed()],
                      f"the open menu of {name}", 20)  # fmt: skip
        options = {option.text: option for option in shown}
        options[self._beginning(list(options), value)].click()

    @staticmethod
    def _beginning(options: list[str], value: str) -> str:
        found = [option for option in options if option.startswith(value)]
        assert found, f"{value} is not among {options}"
        return found[0]

    def tick(self, name: str, value: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, f"input[name='{name}[]'][value='{value}']").click()

    def submit(self, form_id: str, name: str = "") -> Page:
        """Presses the form's button (that of a name, where it has several) and waits for what comes back."""
        which = f"button[name={name}]" if name else "button[type=submit]:not([name=dryrun])"
        button = self.driver.find_element(By.CSS_SELECTOR, f"#{form_id} {which}")
        before = [each.id for each in self.driver.find_elements(By.TAG_NAME, "html")]
        button.click()

        def another() -> bool:
            """There may be no document at all for a moment."""
            now = self.driver.find_elements(By.ID, "mw-content-text") and self.driver.find_elements(By.TAG_NAME, "html")
            return bool(now) and now[0].id not in before

        until(another, "the page that follows", 30)
        return self.page

    def write_paragraph(self, title: str, text: str) -> None:
        """Edits a page by hand: a paragraph at its end."""
        self.driver.get(f"{WIKI}/index.php?{urlencode({'title': title, 'action': 'edit'})}")
        box = self.driver.find_element(By.ID, "wpTextbox1")
        box.send_keys(Keys.CONTROL, Keys.END)
        box.send_keys(f"\n\n{text}\n")
        self.driver.find_element(By.ID, "wpSave").click()
        until(lambda: "action=edit" not in self.driver.current_url and text in self.page.text, "the saved page", 30)

    def shot(self, name: str) -> None:
        """A picture of the whole page, for people to look at."""
        OUT.mkdir(parents=True, exist_ok=True)
        self.driver.set_window_size(1280, 800)
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.driver.set_window_size(1280, min(max(height + 150, 800), 4000))
        self.driver.save_screenshot(str(OUT / f"{name}.png"))

    def http(self) -> requests.Session:
        """A plain HTTP client with the person's cookies."""
        client = requests.Session()
        client.trust_env = False
        for cookie in self.driver.get_cookies():
            client.cookies.set(cookie["name"], cookie["value"], domain=cookie["domain"], path=cookie["path"])
        return client

    def close(self) -> None:
        self.driver.quit()


def fetched(client: requests.Session, url: str, **sent: object) -> Page:
    """A page got, or posted to where `data` is given, without following redirects."""
    method = "POST" if "data" in sent else "GET"
    answer = client.request(method, url, allow_redirects=False, timeout=60, **sent)
    page = Page(answer.text or "<html/>", answer.headers.get("Location", url), answer.status_code)
    return page
