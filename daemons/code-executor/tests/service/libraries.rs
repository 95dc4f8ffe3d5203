//! Libraries that blocks find: the standard ones, the distribution's for data, and sets that were built from lock files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use bulkhead_model::{Libraries, LibraryImage};
use bulkhead_rpc::RpcError;
use serde_json::{Value, json};

use crate::executor::{Ended, Executor, LENIENT, ended, javascript, python, request};

/// A directory that the user that code runs as can read.
fn readable() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    directory
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn image(digit: &str) -> LibraryImage {
    digit.repeat(64).parse().unwrap()
}

/// Two built sets, one for each language, each with a module that counts how often it was loaded in this process.
fn built() -> (tempfile::TempDir, Libraries) {
    let directory = readable();
    let libraries = Libraries { javascript: Some(image("a")), python: Some(image("b")) };
    let set = |digit: &str| directory.path().join(digit.repeat(64));
    write(&set("a").join("image.json"), r#"{"language": "javascript", "preload": ["greet"]}"#);
    write(&set("a").join("tree/node_modules/greet/package.json"), r#"{"name": "greet", "version": "1.0.0"}"#);
    write(
        &set("a").join("tree/node_modules/greet/index.js"),
        "module.exports = { loaded: process.hrtime.bigint(), hello: (name) => `hello ${name}` }",
    );
    write(&set("b").join("image.json"), r#"{"language": "python", "preload": ["greet"]}"#);
    write(
        &set("b").join("tree/python/greet/__init__.py"),
        "import time\nloaded = time.monotonic()\ndef hello(name): return f'hello {name}'\n",
    );
    (directory, libraries)
}

async fn run(executor: &Executor, spec: bulkhead_rpc::executor::BlockSpec, libraries: &Libraries) -> Ended {
    let mut request = request(vec![spec], Value::Null);
    request.libraries = libraries.clone();
    ended(executor.run(&request).await.unwrap())
}

#[tokio::test]
async fn a_built_set_is_found_by_its_blocks_and_by_no_others() {
    let (directory, libraries) = built();
    for zygotes in [true, false] {
        let config = format!("{LENIENT}\nzygotes = {zygotes}\nlibraries = '{}'", directory.path().display());
        let executor = Executor::start(&config);

        let from_javascript = run(&executor, javascript("return require('greet').hello('ann')"), &libraries).await;
        let from_python = run(&executor, python("import greet\nreturn greet.hello('ann')"), &libraries).await;
        let without = executor.python("import greet").await;

        assert_eq!((from_javascript.value(), from_python.value()), (&json!("hello ann"), &json!("hello ann")));
        assert!(without.error().message.contains("No module named 'greet'"), "{without:?}");
    }
}

#[tokio::test]
async fn what_is_preloaded_was_loaded_before_the_run() {
    let (directory, libraries) = built();
    let executor = Executor::start(&format!("{LENIENT}\nlibraries = '{}'", directory.path().display()));
    // The first may have been started cold.
    run(&executor, python("return 1"), &libraries).await;
    run(&executor, javascript("return 1"), &libraries).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;

    let from_python = "import time\nnow = time.monotonic()\nimport greet\nreturn greet.loaded < now - 0.05";
    let from_javascript = "const now = process.hrtime.bigint(); return require('greet').loaded < now - 50_000_000n";

    assert_eq!(run(&executor, python(from_python), &libraries).await.value(), &json!(true));
    assert_eq!(run(&executor, javascript(from_javascript), &libraries).await.value(), &json!(true));
}

#[tokio::test]
async fn a_set_that_is_not_here_is_refused_by_name() {
    let executor = Executor::start(LENIENT);
    let mut request = request(vec![python("return 1")], Value::Null);
    request.libraries.python = Some(image("c"));

    let Err(RpcError::Problem(problem)) = executor.run(&request).await else { panic!("it was not refused") };

    assert_eq!(problem.code, "libraries-missing");
    assert!(problem.detail.contains(&"c".repeat(64)));
}

#[tokio::test]
async fn a_set_without_a_package_for_this_system_is_an_empty_one() {
    let directory = readable();
    let libraries = Libraries { javascript: Some(image("d")), python: Some(image("d")) };
    fs::create_dir_all(directory.path().join("d".repeat(64)).join("tree")).unwrap();
    write(&directory.path().join("d".repeat(64)).join("image.json"), r#"{"preload": []}"#);
    let executor = Executor::start(&format!("{LENIENT}\nlibraries = '{}'", directory.path().display()));

    let missing = run(&executor, python("import greet"), &libraries).await;

    assert_eq!(run(&executor, javascript("return 1"), &libraries).await.value(), &json!(1));
    assert!(missing.error().message.contains("No module named 'greet'"), "{missing:?}");
}

#[tokio::test]
async fn javascript_finds_the_standard_libraries() {
    let directory = readable();
    write(&directory.path().join("javascript/node_modules/tiny/index.js"), "exports.one = 1");
    let executor = Executor::start(&format!("{LENIENT}\ndefault-libraries = '{}'", directory.path().display()));

    assert_eq!(executor.javascript("return require('tiny').one").await.value(), &json!(1));
}

#[tokio::test]
async fn pandas_comes_from_a_zygote_that_has_it_and_its_randomness_is_fresh() {
    let executor = Executor::start(LENIENT);
    let source = "import numpy, pandas\nframe = pandas.DataFrame({'a': [1, 2, 3]})\nreturn [int(frame['a'].sum()), int(numpy.random.randint(1 << 62)), int(numpy.random.default_rng().integers(1 << 62))]";
    let mut seen = std::collections::BTreeSet::new();

    for _ in 0..20 {
        let value = executor.python(source).await.value().clone();
        assert_eq!(value[0], 6);
        assert!(seen.insert(value[1].as_i64().unwrap()) && seen.insert(value[2].as_i64().unwrap()), "{value}");
    }
}

#[tokio::test]
async fn import_finds_what_require_finds() {
    let (directory, libraries) = built();
    let executor = Executor::start(&format!("{LENIENT}\nlibraries = '{}'", directory.path().display()));
    if executor.javascript("return Boolean(require('vm').constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER)").await.value()
        == false
    {
        // This Node.js is older than 20.12 and has no import() in blocks.
        return;
    }

    let imported = run(&executor, javascript("return (await import('greet')).default.hello('ann')"), &libraries).await;
    let missing = run(&executor, javascript("\nreturn await import('no-such')"), &libraries).await;

    assert_eq!(imported.value(), &json!("hello ann"));
    assert!(missing.error().message.contains("no-such"), "{missing:?}");
}
