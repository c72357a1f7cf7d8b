"""The tree of the catalog in harlequin, and the menu of each item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from harlequin.catalog import InteractiveCatalogItem

from micromegas_dbapi.harlequin.query_errors import query_errors
from micromegas_dbapi.harlequin.session import Session
from micromegas_dbapi.harlequin.session_range import RANGES, SessionRange, range_since
from micromegas_dbapi.harlequin.tree_nodes import TreeNode, child_nodes, select_text, view_nodes

if TYPE_CHECKING:
    from harlequin.driver import HarlequinDriver

__all__ = ["ServiceItem"]


class _Item(InteractiveCatalogItem[Any]):  # type: ignore[misc]
    """An item that shows a node of the tree, or the service."""

    session: Session
    node: TreeNode

    def fetch_children(self) -> Sequence[_Item]:
        with query_errors():
            return [_item(self, node) for node in child_nodes(self.session.connection, self.node)]


def _item(parent: _Item, node: TreeNode) -> _Item:
    item = _ITEMS[node.kind](
        qualified_identifier=f"{parent.qualified_identifier}.{node.identifier}",
        query_name=node.sql,
        label=node.label,
        type_label=node.type_label,
        loaded=node.kind in ("column", "instance"),
    )
    item.session, item.node = parent.session, node
    item.type_name = node.type_name  # older versions of harlequin ignore it
    return item


def _show_comment(item: _Item, driver: HarlequinDriver) -> None:
    driver.notify(f"{item.label} ({item.node.type_name}): {item.node.comment or 'no comment'}")


def _preview(item: _Item, driver: HarlequinDriver) -> None:
    driver.insert_text_in_new_buffer(f"SELECT *\nFROM {item.query_name}\nLIMIT 100")


def _select_columns(item: _Item, driver: HarlequinDriver) -> None:
    view = TreeNode("view", item.node.view, "", "", "", "")
    columns = child_nodes(item.session.connection, view)
    driver.insert_text_in_new_buffer(select_text(item.node, columns))


def _insert_columns(item: _Item, driver: HarlequinDriver) -> None:
    children = item.children or item.fetch_children()
    names = [child.query_name for child in children if child.node.kind == "column"]
    driver.insert_text_at_selection(",\n".join(names))


def _insert_name(item: _Item, driver: HarlequinDriver) -> None:
    driver.insert_text_at_selection(item.query_name)


def _set_range(chosen: SessionRange, item: _Item, driver: HarlequinDriver) -> None:
    item.session.time_range = chosen
    driver.notify(f"Time range: {chosen.title}")
    driver.refresh_catalog()


def _reset_range(item: _Item, driver: HarlequinDriver) -> None:
    _set_range(item.session.range_at_start, item, driver)


def _set_range_of_process(item: _Item, driver: HarlequinDriver) -> None:
    if item.node.since is None:
        driver.notify("The process has no start time.", severity="warning")
    else:
        _set_range(range_since(item.node.since), item, driver)


_Menu = Sequence[tuple[str, Callable[..., None]]]


class _ColumnItem(_Item):
    INTERACTIONS: _Menu = (("Insert Name", _insert_name), ("Show Comment", _show_comment))


class _FolderItem(_Item):
    INTERACTIONS: _Menu = (("Show Comment", _show_comment),)


class _RelationItem(_Item):
    INTERACTIONS: _Menu = (
        ("Insert Name", _insert_name),
        ("Preview Data", _preview),
        ("Select Columns with Comments", _select_columns),
        ("Show Comment", _show_comment),
    )


class _ViewItem(_RelationItem):
    INTERACTIONS: _Menu = (
        *_RelationItem.INTERACTIONS,
        ("Insert Columns at Cursor", _insert_columns),
    )


class _InstanceItem(_RelationItem):
    INTERACTIONS: _Menu = (
        *_RelationItem.INTERACTIONS,
        ("Time Range: Since Its Process Started", _set_range_of_process),
    )


_ITEMS: dict[str, type[_Item]] = {
    "view": _ViewItem,
    "column": _ColumnItem,
    "instances": _FolderItem,
    "instance": _InstanceItem,
}


class ServiceItem(_Item):
    """The service, which all views are below. Its label shows the time range; its menu sets it."""

    INTERACTIONS: _Menu = (
        *((f"Time Range: {each.title.capitalize()}", partial(_set_range, each)) for each in RANGES),
        ("Time Range: As at the Start", _reset_range),
    )

    @classmethod
    def of(cls, session: Session) -> ServiceItem:
        """Create the item of a session.

        Parameters
        ----------
        session : Session
            Connected to the service.

        Returns
        -------
        ServiceItem
            Its children are fetched when it is expanded.
        """
        item = cls(
            qualified_identifier=session.name,
            query_name=session.name,
            label=f"{session.name} ({session.time_range.title})",
            type_label="db",
        )
        item.session = session
        return item

    def fetch_children(self) -> Sequence[_Item]:  # noqa: D102
        with query_errors():
            return [_item(self, node) for node in view_nodes(self.session.connection)]
