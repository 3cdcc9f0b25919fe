"""Special:NovaDrift where comparing takes longer than a page waits."""

from __future__ import annotations

from support.browser import Browser, Page
from support.drift import PAGE
from support.waiting import until
from support.wording import said
from support.world import asleep, sidecar_with


def test_comparing_takes_longer_than_a_page_waits(operator: Browser) -> None:
    def fresh() -> Page | None:
        page = operator.open(PAGE)
        late = said(page.text, "drift-late") or said(page.text, "drift-comparing")
        return page if said(page.text, "drift-none") and not late else None

    with sidecar_with(lambda config: f"{config}\n# Another process, which has not compared yet.\n"):
        with asleep("nova-api"):
            page = operator.open(PAGE)
            assert said(page.text, "drift-comparing"), page.text
            operator.shot("drift-comparing")
        until(fresh, "Nova answers again", 90)
        with asleep("nova-api"):
            page = operator.open(PAGE)
            assert said(page.text, "drift-late") and said(page.text, "drift-none"), page.text
            operator.shot("drift-late")
        until(fresh, "Nova answers again", 90)
