//! The examples in the documentation of blocks are the demo's, and those of components are parts of an app.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bulkhead_model::Name;
use bulkhead_model::app::{AppDocument, AppQuery, ComponentKind, Page};
use bulkhead_model::query::ResourceQuery;
use bulkhead_model::resource::ResourceConfig;
use bulkhead_model::workflow::{Block, Edge, Function};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    blocks: BTreeMap<Name, Block>,
    #[serde(default)]
    edges: Vec<Edge>,
}

fn kind(block: &Block) -> String {
    let block = serde_json::to_value(block).expect("a block");
    block.get("type").and_then(Value::as_str).expect("a kind").to_owned()
}

#[test]
fn every_kind_of_block_has_a_page_with_an_example_from_the_demo() {
    let demo = [bulkhead_demo::workflow(), bulkhead_demo::reminders()];
    let mut pages = BTreeSet::new();
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/workflows").read_dir().expect("a directory")
    {
        let path = entry.expect("a file").path();
        let page = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        if page == "README" {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a page");
        let fences: Vec<&str> = text.split("```json\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
        let [example] = fences[..] else { panic!("{page}.md has {} examples", fences.len()) };
        let Example { blocks, edges } =
            serde_json::from_str(example).unwrap_or_else(|error| panic!("{page}.md: {error}"));
        for (name, block) in &blocks {
            let is_known = demo.iter().any(|document| document.blocks.get(name) == Some(block));
            assert!(is_known, "{page}.md: the demo has no such block `{name}`");
        }
        for edge in &edges {
            let is_known = demo.iter().any(|document| document.edges.contains(edge));
            assert!(is_known, "{page}.md: the demo has no such edge: {edge:?}");
        }
        assert!(blocks.values().any(|block| kind(block) == page), "{page}.md shows no block of its kind");
        pages.insert(page);
    }
    let kinds: BTreeSet<String> = demo.iter().flat_map(|document| document.blocks.values()).map(kind).collect();
    assert_eq!(pages, kinds);
}

#[test]
fn the_functions_of_their_page_are_the_demos() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Functions {
        functions: BTreeMap<Name, Function>,
    }
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/functions.md"));
    let text = text.expect("a page");
    let fence = text.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("an example");
    let Functions { functions } = serde_json::from_str(fence).expect("functions");
    assert_eq!(functions, bulkhead_demo::reminders().functions);
}

#[test]
fn the_change_of_its_page_is_the_demos() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/table-changes.md"));
    let text = text.expect("a page");
    let fence = text.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next()).expect("an example");
    let query: AppQuery = serde_json::from_str(fence).expect("a query");
    let app = bulkhead_demo::app();
    assert_eq!(query.query.change, app.queries.get("updateEmail").expect("a query").query.change);
}

/// Every example of a page in `docs/resources` is a resource of the page's kind, a query without faults, or its operation alone.
#[test]
fn the_examples_of_resources_are_sound() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/resources");
    let index = std::fs::read_to_string(pages.join("README.md")).expect("an index");
    for entry in pages.read_dir().expect("a directory") {
        let path = entry.expect("a file").path();
        let page = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        if page == "README" {
            continue;
        }
        assert!(index.contains(&format!("({page}.md)")), "docs/resources/README.md does not name {page}.md");
        let text = std::fs::read_to_string(&path).expect("a page");
        let fences = text.split("```json\n").skip(1).filter_map(|rest| rest.split("\n```").next());
        for (number, example) in fences.enumerate() {
            let place = format!("{page}.md, example {number}");
            let value: Value = serde_json::from_str(example).unwrap_or_else(|error| panic!("{place}: {error}"));
            if value.get("kind").is_some() {
                let config: ResourceConfig =
                    serde_json::from_value(value).unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!((config.kind(), config.validate()), (page.as_str(), Vec::new()), "{place}");
            } else {
                let is_alone = value.get("do").is_some();
                let value = if is_alone { json!({ "resource": page, "operation": value }) } else { value };
                let query: ResourceQuery =
                    serde_json::from_value(value).unwrap_or_else(|error| panic!("{place}: {error}"));
                assert_eq!(query.validate("query"), Vec::new(), "{place}");
            }
        }
    }
}

#[test]
fn every_kind_of_component_has_a_page_with_an_example_that_an_app_may_hold() {
    let mut pages = BTreeSet::new();
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/components").read_dir().expect("a directory")
    {
        let path = entry.expect("a file").path();
        let kind = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        if kind == "README" {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a page");
        let fences: Vec<&str> = text.split("```json\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
        let [example] = fences[..] else { panic!("{kind}.md has {} examples", fences.len()) };
        let page: Page = serde_json::from_str(example).unwrap_or_else(|error| panic!("{kind}.md: {error}"));
        assert!(page.components.values().any(|component| component.kind.as_str() == kind), "{kind}.md shows none");
        let mut app = AppDocument::empty("Example");
        app.pages.insert(app.home_page.clone(), page);
        assert_eq!(app.validate(), [], "{kind}.md");
        pages.insert(kind);
    }
    assert!(pages.iter().map(String::as_str).eq(ComponentKind::known()), "{pages:?}");
}

/// Every example of a page in `docs/apps` is a part of an app's document that may be saved.
#[test]
fn the_examples_of_apps_are_sound() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/apps");
    let index = std::fs::read_to_string(pages.join("README.md")).expect("an index");
    let mut count = 0;
    for entry in pages.read_dir().expect("a directory") {
        let path = entry.expect("a file").path();
        let page = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        assert!(
            page == "README" || index.contains(&format!("({page}.md)")),
            "docs/apps/README.md does not name {page}.md"
        );
        let text = std::fs::read_to_string(&path).expect("a page");
        for example in text.split("```json\n").skip(1).filter_map(|rest| rest.split("\n```").next()) {
            let mut app = json!({ "format": 1, "title": "Example", "home-page": "home", "pages": { "home": {} } });
            let parts: serde_json::Map<String, Value> =
                serde_json::from_str(example).unwrap_or_else(|error| panic!("{page}.md: {error}"));
            for (part, value) in parts {
                app[part] = value;
            }
            let app: AppDocument = serde_json::from_value(app).unwrap_or_else(|error| panic!("{page}.md: {error}"));
            assert_eq!(app.validate(), [], "{page}.md");
            count += 1;
        }
    }
    assert!(count >= 5, "{count} examples");
}
