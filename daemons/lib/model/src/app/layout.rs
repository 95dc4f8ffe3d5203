//! Where components stand: on the grid of their page, or on that of a component around them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Page;
use crate::{Fault, Name};

/// Columns of a grid: of a page's, and of each that is nested.
pub const GRID_COLUMNS: u16 = 24;
/// How deep components may stand in each other.
pub const MAX_NESTING: usize = 8;
/// Characters of a slot's name.
const MAX_SLOT_LENGTH: usize = 63;

/// A place on a grid, in grid units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GridRect {
    /// First column, from 0.
    pub column: u16,
    /// First row, from 0.
    pub row: u16,
    /// Columns covered.
    pub width: u16,
    /// Rows covered.
    pub height: u16,
    /// The component whose grid it is; the page's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Name>,
    /// Which of the parent's grids, where it has several: the name of a tab or a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
}

/// Faults in the places of a page's components.
pub(super) fn validate(page_name: &Name, page: &Page, faults: &mut Vec<Fault>) {
    for (name, rect) in &page.layout {
        let path = format!("pages.{page_name}.layout.{name}");
        validate_rect(name, rect, page, &path, faults);
        validate_parent(name, rect, page, &path, faults);
    }
    for (name, rect) in &page.phone_layout {
        let path = format!("pages.{page_name}.phone-layout.{name}");
        validate_rect(name, rect, page, &path, faults);
        let holds = |rect: &GridRect| (rect.parent.clone(), rect.slot.clone());
        if page.layout.get(name).is_some_and(|wide| holds(wide) != holds(rect)) {
            let message = "stands in another component than on a wide screen: one holds it on both";
            faults.push(Fault::new(&path, message));
        }
    }
}

fn validate_rect(name: &Name, rect: &GridRect, page: &Page, path: &str, faults: &mut Vec<Fault>) {
    if !page.components.contains_key(name) {
        faults.push(Fault::new(path, "there is no component of this name"));
    }
    let right = u32::from(rect.column) + u32::from(rect.width);
    if rect.width == 0 || rect.height == 0 || right > u32::from(GRID_COLUMNS) || rect.height > 500 || rect.row > 10_000
    {
        faults.push(Fault::new(path, format!("must lie within {GRID_COLUMNS} columns and be at least 1 by 1")));
    }
}

fn validate_parent(name: &Name, rect: &GridRect, page: &Page, path: &str, faults: &mut Vec<Fault>) {
    let Some(parent) = &rect.parent else {
        if rect.slot.is_some() {
            faults.push(Fault::new(format!("{path}.slot"), "a page has one grid: name the `parent`, or leave it out"));
        }
        return;
    };
    if rect.slot.as_ref().is_some_and(|slot| slot.is_empty() || slot.chars().count() > MAX_SLOT_LENGTH) {
        let message = format!("must have 1 to {MAX_SLOT_LENGTH} characters");
        faults.push(Fault::new(format!("{path}.slot"), message));
    }
    let path = format!("{path}.parent");
    match page.components.get(parent) {
        None => faults.push(Fault::new(path, format!("there is no component `{parent}` on this page"))),
        Some(component) if !component.kind.may_hold_components() => {
            let kind = component.kind.as_str();
            faults.push(Fault::new(path, format!("`{parent}` is of the kind `{kind}`, which holds no components")));
        }
        Some(_) => match depth(name, &page.layout) {
            None => faults.push(Fault::new(path, format!("`{name}` stands in itself, or in a circle of components"))),
            Some(depth) if depth > MAX_NESTING => {
                faults.push(Fault::new(path, format!("stands deeper than {MAX_NESTING} components in each other")));
            }
            Some(_) => {}
        },
    }
}

/// How many components stand around one; nothing when it stands in itself.
fn depth(name: &Name, layout: &BTreeMap<Name, GridRect>) -> Option<usize> {
    let mut depth = 0;
    let mut at = name;
    while let Some(parent) = layout.get(at).and_then(|rect| rect.parent.as_ref()) {
        depth += 1;
        // A way that is longer than there are places comes by one of them twice.
        if parent == name || depth > layout.len() {
            return None;
        }
        at = parent;
    }
    Some(depth)
}
