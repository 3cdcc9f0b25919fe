"""Pages of copied instances: rows copied from those of an instance that the sidecar has documented itself, in the
databases of MediaWiki and of the sidecar. Writing them all would take an hour, and is measured with fewer."""

from __future__ import annotations

import crowd
from parts import keystone, mariadb
from support.world import lab

WIKI, STORE = "wiki", "openstackmanager"
# What is copied, in each table: from which the ids of the new rows follow.
PAGE, REVISION, CONTENT, TEXT = ("page", "page_id"), ("revision", "rev_id"), ("content", "content_id"), ("text", "old_id")


def documented(many: int) -> None:
    """The copies that have no pages yet get them, and stand in the sidecar's copy of the cloud."""
    have = int(_rows(STORE, f"SELECT COUNT(*) FROM instances WHERE project = '{crowd.PROJECT}'")[0][0])
    if have >= many:
        return
    # The second instance is the first copy.
    ((key, title, page),) = _rows(STORE, "SELECT page_key, title, page_id FROM pages WHERE page_key LIKE"
                                         f" 'instance/{keystone.REGION}/00000002-%'")  # fmt: skip
    uuid = key.rpartition("/")[2]
    ip = crowd.ip(2)
    new = {
        # What stands in the original, and in SQL what in a copy.
        uuid: f"CONCAT(LPAD(LOWER(HEX(seq)), 8, '0'), '{uuid[8:]}')",
        "I-00000002": "CONCAT('I-', LPAD(LOWER(HEX(seq)), 8, '0'))",
        crowd.name(2): crowd.NAMED,
        # As the wiki writes titles.
        crowd.name(2).capitalize(): f"CONCAT(UPPER(LEFT({crowd.NAMED}, 1)), SUBSTR({crowd.NAMED}, 2))",
        ip: crowd.ADDRESSED,
    }
    bases = {table: int(_rows(WIKI, f"SELECT MAX({name}) FROM {table}")[0][0]) for table, name in
             (PAGE, REVISION, CONTENT, TEXT)}  # fmt: skip
    redirect = _rows(STORE, f"SELECT page_key, title, page_id FROM pages WHERE page_key = 'redirect/{keystone.REGION}/"
                            f"{crowd.PROJECT}/{crowd.name(2)}'")[0]  # fmt: skip
    for number, (key, title, page) in enumerate([(key, title, page), redirect]):
        ids = {table: f"{base + number * many} + seq" for table, base in bases.items()}
        _wiki(page, ids, new, have, many)
        _insert(STORE, "pages", f"page_key = '{key}'", have, many, {
            "page_key": _replaced("page_key", new), "title": _replaced("title", new),
            "page_id": ids["page"], "revision": ids["revision"],
        })  # fmt: skip
    _insert(STORE, "instances", f"id = '{uuid}'", have, many, {
        "id": new[uuid], "name": crowd.NAMED, "facts": _replaced("facts", new),
    })  # fmt: skip


def titles(many: int) -> list[str]:
    found = _rows(STORE, f"SELECT title FROM pages WHERE page_key LIKE 'instance/%' ORDER BY page_key LIMIT {many}")
    return [title for (title,) in found]


def text(title: str) -> str:
    from support.wiki import Bot
    from support.world import VOLUNTEER

    return Bot(VOLUNTEER).page(title)["text"]


def _wiki(page: str, ids: dict[str, str], new: dict[str, str], have: int, many: int) -> None:
    ((revision, content, address),) = _rows(
        WIKI, "SELECT page_latest, content_id, content_address FROM page JOIN slots ON slot_revision_id = page_latest"
        f" JOIN content ON content_id = slot_content_id WHERE page_id = {page}",
    )  # fmt: skip
    old = address.removeprefix("tt:")
    rows = [
        ("text", f"old_id = {old}", {"old_id": ids["text"], "old_text": _replaced("old_text", new)}),
        ("content", f"content_id = {content}", {
            "content_id": ids["content"], "content_address": f"CONCAT('tt:', {ids['text']})"}),
        ("slots", f"slot_revision_id = {revision}", {
            "slot_revision_id": ids["revision"], "slot_content_id": ids["content"], "slot_origin": ids["revision"]}),
        ("revision", f"rev_id = {revision}", {
            "rev_id": ids["revision"], "rev_page": ids["page"], "rev_parent_id": "0"}),
        ("page", f"page_id = {page}", {
            "page_id": ids["page"], "page_title": _replaced("page_title", new),
            "page_latest": ids["revision"], "page_random": "RAND()"}),
    ]  # fmt: skip
    # MediaWiki 1.39 has the comment in a table beside.
    if _rows(WIKI, "SHOW TABLES LIKE 'revision_comment_temp'"):
        rows.append(("revision_comment_temp", f"revcomment_rev = {revision}", {"revcomment_rev": ids["revision"]}))
    for table, which, changed in rows:
        _insert(WIKI, table, which, have, many, changed)


def _replaced(column: str, new: dict[str, str]) -> str:
    for old, by in new.items():
        column = f"REPLACE({column}, '{old}', {by})"
    return column


def _insert(database: str, table: str, which: str, have: int, many: int, changed: dict[str, str]) -> None:
    listed = _rows(database, "SELECT column_name FROM information_schema.columns WHERE"
                             f" table_schema = '{database}' AND table_name = '{table}'")  # fmt: skip
    columns = [column for (column,) in listed]
    values = [changed.get(column, f"`{column}`") for column in columns]
    _rows(database, f"INSERT INTO `{table}` ({', '.join(f'`{each}`' for each in columns)})"
                    f" SELECT {', '.join(values)} FROM `{table}` CROSS JOIN seq_{have + 1}_to_{many}"
                    f" WHERE {which}")  # fmt: skip


def _rows(database: str, sql: str) -> list[list[str]]:
    return mariadb.query(lab, sql, database)
