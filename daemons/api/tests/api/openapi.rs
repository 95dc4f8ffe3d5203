//! The checked-in document is what the routes generate.

#[test]
fn the_document_is_the_one_that_is_checked_in() {
    // Tests run in the folder of their crate.
    let path = "openapi.json";
    let generated = bulkhead_api::openapi_json();
    #[allow(clippy::disallowed_methods, reason = "refreshing goldens is the test runner's business")]
    if std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(path, &generated).expect("written");
    }
    let checked_in = std::fs::read_to_string(path).expect("daemons/api/openapi.json");
    assert!(
        checked_in == generated,
        "the API changed: refresh openapi.json with UPDATE_GOLDEN=1, then the client with `cargo xtask gen`"
    );
}
