//! Documents to files and back, to the byte.

use std::collections::BTreeSet;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn key(text: &str) -> Key {
    Key::try_from(text.to_owned()).expect("a key")
}

fn files(texts: &[(&str, &str)]) -> Files {
    texts.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect()
}

fn whole_app() -> AppDocument {
    let document = json!({
        "format": 1, "title": "Refunds: all of them", "home-page": "orders",
        "theme": { "accent": "#0a6ebd" },
        "style": ".total {\n  font-weight: bold;\n}\n",
        "state": { "filter": { "initial": { "status": "open", "limit": 3.5, "on": true } } },
        "pages": {
            "orders": {
                "title": "Orders",
                "events": [{ "on": "open", "action": { "do": "run-query", "query": "listOrders" } }],
                "components": {
                    "box": { "type": "container" },
                    "title": { "type": "text", "properties": { "text": "# Orders\n\nof {{ current_user.name }}", "empty": "", "note": " kept " } },
                    "table": {
                        "type": "table", "class": "total",
                        "properties": { "rows": "{{ listOrders.rows }}", "columns": [{ "key": "id", "width": 80 }, { "key": "no", "label": "no" }], "sizes": [10, 20], "nested": [[1, "a"], []] },
                        "events": [{ "on": "click", "action": { "do": "run-query", "query": "refund", "arguments": { "id": "{{ 1 }}" } }, "debounce-ms": 200 }],
                    },
                },
                "layout": {
                    "box": { "column": 0, "row": 0, "width": 24, "height": 8 },
                    "title": { "column": 0, "row": 0, "width": 12, "height": 2, "parent": "box" },
                    "table": { "column": 0, "row": 8, "width": 24, "height": 14 },
                },
                "phone-layout": { "table": { "column": 0, "row": 0, "width": 24, "height": 10 } },
            },
        },
        "queries": {
            "listOrders": { "resource": "tables", "statement": "select *\nfrom orders\nwhere status = {{ state.filter.value.status }}", "mode": "read", "run": "load", "transform": "data.slice(1)" },
            "refund": { "resource": "tables", "statements": ["update orders set refunded = true where id = {{ args.id }}", "select 1\n"], "mode": "write", "run": "manual", "limits": { "max-rows": 5, "max-bytes": 16_777_216, "timeout-ms": 10_000 } },
        },
        "scripts": { "greet": { "code": "return 1" }, "slow": { "code": "return 2\n", "run": "load", "timeout-ms": 1000 } },
        "transformers": { "names": { "code": "listOrders.rows.map((row) => row.name)" } },
    });
    serde_json::from_value(document).expect("an app")
}

fn whole_workflow() -> WorkflowDocument {
    let document = json!({
        "format": 1, "title": "Nightly sync", "start": "load",
        "triggers": { "night": { "type": "schedule", "cron": "0 3 * * *" }, "call": { "type": "webhook" } },
        "blocks": {
            "load": { "type": "query", "resource": "tables", "statement": "select 1", "mode": "read", "idempotent": false },
            "transform": { "type": "code", "language": "python", "source": "return [1]\n", "timeout-ms": 10_000 },
            "check": { "type": "branch", "condition": "transform.length > 0" },
        },
        "edges": [{ "from": "load", "to": "transform" }, { "from": "transform", "to": "check" }],
        "queries": { "one": { "resource": "tables", "statement": "select 1", "mode": "read" } },
        "functions": { "twice": { "type": "code", "language": "javascript", "parameters": ["n"], "source": "return n * 2" } },
    });
    serde_json::from_value(document).expect("a workflow")
}

fn whole_query() -> LibraryQuery {
    let document = json!({
        "format": 1, "title": "Customer", "description": "One customer.",
        "query": { "resource": "tables", "statement": "select * from customers where id = {{ id }}", "mode": "read" },
        "parameters": { "id": { "default": null, "hidden": true } },
    });
    serde_json::from_value(document).expect("a query")
}

fn whole_resource() -> ResourceFile {
    let config = |host: &str| {
        NamedSettings {
        config: serde_json::from_value(json!({ "kind": "postgresql", "host": host, "port": 5432, "database": "shop", "user": "app", "tls": "verify-full" }))
            .expect("settings"),
        ssh_host: Some("bastion".parse().expect("a slug")),
    }
    };
    ResourceFile {
        settings: config("db.internal"),
        environments: BTreeMap::from([("staging".parse().expect("a slug"), config("db.staging"))]),
    }
}

/// Each is written, read as the same document, and written again as the same bytes.
fn there_and_back(key: &Key, document: &Document) -> Files {
    let files = document.files();
    let read = Document::read(key, &files).unwrap_or_else(|error| panic!("{key}: {error}\n{}", shown(&files)));
    assert_eq!(&read, document, "{}", shown(&files));
    assert_eq!(read.files(), files);
    assert_eq!(canonical(key, &files), Ok(files.clone()));
    files
}

fn shown(files: &Files) -> String {
    files.iter().map(|(path, bytes)| format!("==> {path}\n{}", String::from_utf8_lossy(bytes))).collect()
}

fn golden(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
    }
    let expected = std::fs::read_to_string(&path).expect("the golden file: UPDATE_GOLDEN=1 writes it");
    assert_eq!(text, expected, "{name} changed: UPDATE_GOLDEN=1 writes it anew");
}

#[test]
fn each_kind_has_the_files_that_the_golden_shows() {
    let documents = [
        (key("apps/refunds"), Document::App(whole_app())),
        (key("library/customer"), Document::Query(whole_query())),
        (key("resources/shop"), Document::Resource(whole_resource())),
        (key("workflows/nightly-sync"), Document::Workflow(whole_workflow())),
    ];
    let all = documents.iter().map(|(key, document)| (key.clone(), there_and_back(key, document))).collect();
    let tree = tree(&all);
    golden("tree.golden.txt", &shown(&tree));
    assert_eq!(super::documents(tree), Ok(all));
}

#[test]
fn the_templates_of_the_studio_survive_their_files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../api/web/src/templates");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("the templates") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|ending| ending == "json") {
            let app = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("an app");
            there_and_back(&key("apps/template"), &Document::App(app));
            count += 1;
        }
    }
    assert!(count > 3, "{count} templates");
}

#[test]
fn what_a_person_writes_is_read_and_written_canonically() {
    let written = files(&[
        ("app.yaml", "# An app.\nhome-page: home\ntitle: 'It''s mine'   # said so\nformat: 1\n"),
        (
            "pages/home.page.yaml",
            "components:\n    go:\n        type: button\n        properties: {}\n        events: []\n",
        ),
        ("pages/home.layout.yaml", "desktop:\n  go: [ 0, 0,4,2 ]\r\n"),
        ("queries/q.query.yaml", "resource: tables\nmode: read\nrun: automatic\n"),
        ("queries/q.sql", "select 1"),
    ]);
    let canonical = canonical(&key("apps/mine"), &written).expect("an app");
    assert_eq!(
        shown(&canonical),
        "==> app.yaml\nformat: 1\ntitle: It's mine\nhome-page: home\n\
         ==> pages/home.layout.yaml\ndesktop:\n  go: [0, 0, 4, 2]\n\
         ==> pages/home.page.yaml\ncomponents:\n  go:\n    type: button\n\
         ==> queries/q.query.yaml\nresource: tables\n\
         ==> queries/q.sql\nselect 1\n"
    );
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    let app = there_and_back(&key("apps/refunds"), &Document::App(whole_app()));
    for (path, text, message) in [
        ("notes.txt", Some("x"), "notes.txt: no part of a document"),
        ("pages/orders.page.yml", Some("x: 1"), "pages/orders.page.yml: no part of a document"),
        ("queries/other.sql", Some("select 1"), "queries/other.sql: no part of a document"),
        ("queries/../x.query.yaml", Some("resource: a"), "queries/../x.query.yaml: no part"),
        ("pages/__proto__.page.yaml", Some("title: x"), "`__proto__` is not a name"),
        ("app.yaml", None, "app.yaml: this file is missing"),
        ("app.yaml", Some("format: 2\ntitle: a\nhome-page: orders"), "format: must be 1"),
        ("app.yaml", Some("format: 1\ntitle: a\nhome-page: orders\nsecret: 3"), "unknown field `secret`"),
        ("app.yaml", Some("format: 1\ntitle: a\nhome-page: nowhere"), "there is no page `nowhere`"),
        ("app.yaml", Some("a: &x [1]\nb: *x"), "app.yaml: line 1: anchors are not read"),
        ("app.yaml", Some("title: a\ntitle: b"), "app.yaml: line 3: `title` stands here for the second time"),
        ("pages/orders.layout.yaml", Some("desktop:\n  table: [0, 0, 4]"), "a place is [column, row, width, height]"),
        ("pages/orders.layout.yaml", Some("tablet:\n  table: [0, 0, 4, 1]"), "`tablet` is no layout"),
        ("pages/orders.page.yaml", Some("layout: {}\n"), "places stand in the file"),
        ("queries/listOrders.query.yaml", Some("resource: tables\nstatement: select 1"), "keep one of them"),
    ] {
        let mut files = app.clone();
        match text {
            Some(text) => files.insert(path.to_owned(), text.as_bytes().to_vec()),
            None => files.remove(path),
        };
        let error = Document::read(&key("apps/refunds"), &files).expect_err(path).to_string();
        assert!(error.contains(message), "{path}: {error}");
    }
    let binary = Files::from([("app.yaml".to_owned(), vec![0xff, 0xfe])]);
    assert_eq!(Document::read(&key("apps/x"), &binary), Err(ReadError::NotText("app.yaml".to_owned())));
}

#[test]
fn files_outside_of_folders_of_documents_belong_to_others() {
    let tree = files(&[("README.md", "x"), (".github/workflows/ci.yaml", "x"), ("apps/a/app.yaml", "format: 1")]);
    let found = documents(tree).expect("documents");
    assert_eq!(found.keys().map(Key::to_string).collect::<Vec<_>>(), ["apps/a"]);
    for path in ["apps/stray.txt", "workflows/Not A Slug/workflow.yaml", "apps//app.yaml"] {
        assert_eq!(documents(files(&[(path, "x")])), Err(ReadError::Unknown(path.to_owned())), "{path}");
    }
}

#[test]
fn yaml_that_expands_or_constructs_is_refused_by_name() {
    for (text, message) in [
        ("a: !!python/object:os.system x", "line 1: tags are not read"),
        ("- &a [1]\n- *a", "line 1: anchors are not read"),
        ("a: 1\nb: *a", "line 2: aliases are not read"),
        ("<<: 1", "merge keys are not read"),
        ("--- \na: 1", "one document"),
        ("%YAML 1.1\n", "one document"),
        ("a: >\n  x", "folded"),
        ("a:\n\t- 1", "line 2: is indented by a tab"),
        ("a: 1\n  b: 2", "line 2: is indented deeper"),
        ("  a: 1\nb: 2", "line 2: stands outside"),
        ("a: {b: 1}", "a map in braces"),
        ("a: [1, [2]]", "plain values alone"),
        ("a: [1, 2", "close it with `]`"),
        ("a: \"x", "close it"),
        ("a: \"x\" y", "one value on one line"),
        ("a: yes", "put `yes` in double quotes"),
        ("a: b: c", "put `b: c` in double quotes"),
        ("a b: 1", "put `a b` in double quotes"),
        ("a: \"\\x41\"", "the text in quotes"),
        ("", "is empty"),
        ("# nothing\n", "is empty"),
    ] {
        let error = yaml::read(text).expect_err(text).to_string();
        assert!(error.contains(message), "{text:?}: {error}");
    }
    let deep = (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>();
    assert!(yaml::read(&deep).expect_err("deep").message.contains("deeper than 64"));
    let dashes = "- ".repeat(100_000);
    assert!(yaml::read(&dashes).expect_err("deep").message.contains("deeper than 64"));
}

#[test]
fn hostile_trees_are_refused() {
    let file = |path: &str| Entry { kind: EntryKind::File, path: path.as_bytes().to_vec(), bytes: 10 };
    for (path, reason) in [
        ("../x", "leaves its folder"),
        ("apps/a/../../x", "leaves its folder"),
        ("apps/./a", "leaves its folder"),
        ("apps//a", "leaves its folder"),
        ("/etc/passwd", "absolute"),
        ("C:/x", "absolute"),
        ("apps\\a", "backslash"),
        (".git/hooks/post-checkout", "its own folder"),
        ("apps/.GIT/config", "its own folder"),
        ("x/.Git", "its own folder"),
        (".git./config", "its own folder"),
        (".git /config", "its own folder"),
        (".g\u{200c}it/config", "its own folder"),
        ("GIT~1/config", "its own folder"),
        (".git::$INDEX_ALLOCATION/config", "its own folder"),
        (".gitmodules", "names submodules"),
        ("x/.GitModules", "names submodules"),
        ("apps/a\nb", "control character"),
        ("apps/a\0b", "control character"),
        ("", "empty"),
        (&"a/".repeat(100), "too many folders"),
        (&"a".repeat(500), "longer"),
    ] {
        let error = check_entries(&[file(path)]).expect_err(path).to_string();
        assert!(error.contains(reason), "{path:?}: {error}");
        assert!(!error.contains('\n') && !error.contains('\0'), "{error:?}");
    }
    let bytes = Entry { path: b"apps/\xff".to_vec(), ..file("") };
    assert!(check_entries(&[bytes]).expect_err("bytes").to_string().contains("not UTF-8"));
    for (mode, reason) in [
        ("120000", "symbolic link"),
        ("160000", "submodule"),
        ("100755", "program"),
        ("040000", "neither"),
        ("", "neither"),
    ] {
        let entry = Entry { kind: EntryKind::of_mode(mode), ..file("apps/a/app.yaml") };
        assert!(check_entries(&[entry]).expect_err(mode).to_string().contains(reason), "{mode}");
    }
    let large = Entry { bytes: MAX_FILE_BYTES + 1, ..file("apps/a/app.yaml") };
    assert!(matches!(check_entries(&[large]), Err(TreeError::TooLarge { .. })));
    let many: Vec<Entry> = (0..=MAX_ENTRIES).map(|number| file(&format!("x{number}"))).collect();
    assert_eq!(check_entries(&many), Err(TreeError::TooMany(MAX_ENTRIES + 1)));
    let much: Vec<Entry> =
        (0..17).map(|number| Entry { bytes: MAX_FILE_BYTES, ..file(&format!("apps/a/{number}")) }).collect();
    assert!(matches!(check_entries(&much), Err(TreeError::TooMuch(_))));
    let folded = [file("apps/a/pages/Orders.page.yaml"), file("apps/a/pages/orders.page.yaml")];
    assert!(check_entries(&folded).expect_err("folded").to_string().contains("upper and lower case"));
    let twice = [file("apps/a/x"), file("apps/a/x")];
    assert!(check_entries(&twice).expect_err("twice").to_string().contains("twice"));
    let good =
        [file("apps/a/app.yaml"), file("README.md"), file(".gitignore"), file(".github/ci.yaml"), file("docs/git.md")];
    assert_eq!(check_entries(&good), Ok(BTreeSet::from(["apps/a/app.yaml".to_owned()])));
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ -~]{0,12}",
        "[a-z#:\\-\\[\\]{}|>&*!%@`'\" \\n\\t]{0,16}",
        Just("true".to_owned()),
        Just("No".to_owned()),
        Just("~".to_owned()),
        Just("1e3".to_owned()),
        Just("- a".to_owned()),
        Just("a\n\n\nb\n\n".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.clone().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(text.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn yaml_survives_there_and_back(value in any_value()) {
        let text = yaml::write(&value);
        let read = yaml::read(&text);
        prop_assert_eq!(read.as_ref(), Ok(&value), "{}", text);
        prop_assert_eq!(yaml::write(&value), text);
    }

    #[test]
    fn any_text_is_read_or_refused_and_then_written_the_same_for_ever(text in "[a-c:\\-# \\n\\t\\[\\]{}|+'\"0-9]{0,60}") {
        if let Ok(value) = yaml::read(&text) {
            let once = yaml::write(&value);
            prop_assert_eq!(yaml::read(&once), Ok(value), "{}", once);
        }
    }

    #[test]
    fn apps_survive_their_files(
        title in "[^\\p{C}\\s][^\\p{C}]{0,40}",
        statement in "[ -z\\n\\t\\r]{1,80}",
        code in "[ -z\\n\\t\\r]{1,80}",
        property in any_value(),
    ) {
        let mut app = whole_app();
        app.title = title;
        let query = app.queries.values_mut().next().expect("a query");
        query.query.statement = statement;
        query.transform = Some(code.clone());
        app.scripts.values_mut().next().expect("a script").code = code;
        let page = app.pages.values_mut().next().expect("a page");
        page.components.values_mut().next().expect("a component").properties.insert("any".to_owned(), property);
        let written = app::write(&app);
        let read = app::read(&written);
        prop_assert_eq!(read.as_ref(), Ok(&app), "{}", shown(&written));
        prop_assert_eq!(app::write(&app), written);
    }
}
