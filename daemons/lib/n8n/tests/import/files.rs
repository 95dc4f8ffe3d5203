//! Exports in n8n's style with what they become, to be read side by side.

use std::path::Path;

/// The import of a fixture is as in the file beside it; `UPDATE_GOLDEN=1` writes that file anew.
fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let text = std::fs::read(folder.join(format!("{name}.json"))).expect("a fixture");
    let import = bulkhead_n8n::import(&text).expect("an import");
    assert_eq!(import.document.validate(), [], "{name}");
    let found = serde_json::to_string_pretty(&import).expect("JSON") + "\n";
    let golden = folder.join(format!("{name}.golden.json"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &found).expect("a golden file");
    }
    let expected = std::fs::read_to_string(&golden).expect("a golden file; UPDATE_GOLDEN=1 writes it");
    assert_eq!(found, expected, "{name}");
}

#[test]
fn a_webhook_with_a_branch_a_database_and_answers() {
    check("orders");
}

#[test]
fn a_loop_with_a_switch_in_it() {
    check("letters");
}

#[test]
fn a_fan_out_that_is_merged_unknown_nodes_and_an_error_trigger() {
    check("merged");
}

#[test]
fn most_kinds_of_nodes_one_behind_the_other() {
    check("many-kinds");
}
