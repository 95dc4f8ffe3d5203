//! Sets for JavaScript.

use std::os::unix::fs::PermissionsExt;

use bulkhead_rpc::RpcError;
use bulkhead_rpc::library_builder::{BUILD, BuildEvent, FailureKind};
use serde_json::{Value, json};

use crate::archives::{entry, one_package, package_lock, tarball};
use crate::daemon::Machine;
use crate::registry::Registry;

const A: &str = "https://public.example/a/-/a-1.0.0.tgz";

#[tokio::test]
async fn a_lock_file_becomes_a_tree_of_node_modules() {
    let registry = Registry::start();
    let outer = tarball(&[("package/index.js", "outer"), ("package/bin/run.sh", "x"), ("README", "not installed")]);
    let inner = tarball(&[("anything/lib/index.js", "inner")]);
    registry.put_archive("/npm/a/-/a-1.0.0.tgz", &outer);
    registry.put_archive("/npm/@s/b/-/b-2.0.0.tgz", &inner);
    let mut scripted = entry("1.0.0", A, &outer);
    scripted["hasInstallScript"] = true.into();
    let inner_entry = entry("2.0.0", "https://public.example/@s/b/-/b-2.0.0.tgz", &inner);
    let mut development = entry("9.0.0", "https://public.example/d/-/d-9.0.0.tgz", b"");
    development["dev"] = true.into();
    let mut windows = entry("9.0.0", "https://public.example/w/-/w-9.0.0.tgz", b"");
    windows["optional"] = true.into();
    windows["os"] = json!(["win32"]);
    let mut request = package_lock(json!({
        "": { "dependencies": { "a": "1" } },
        "node_modules/a": scripted,
        "node_modules/a/node_modules/@s/b": inner_entry,
        "node_modules/c": { "name": "@s/b", "version": "2.0.0", "integrity": inner_entry["integrity"] },
        "node_modules/d": development,
        "node_modules/w": windows,
    }));
    request.preload = vec!["a".to_owned()];
    let machine = Machine::start(&registry.config());

    let events = machine.events(BUILD, &request).await.unwrap();

    let Some(BuildEvent::Built(image)) = events.last() else { panic!("{events:?}") };
    assert_eq!((image.files, image.bytes), (4, 16));
    assert_eq!(machine.file(image, "node_modules/a/index.js").as_deref(), Some("outer"));
    assert_eq!(machine.file(image, "node_modules/a/node_modules/@s/b/lib/index.js").as_deref(), Some("inner"));
    assert_eq!(machine.file(image, "node_modules/c/lib/index.js").as_deref(), Some("inner"));
    assert!(!machine.tree(image).join("node_modules/d").exists() && !machine.tree(image).join("README").exists());
    let warned = |event: &BuildEvent| matches!(event, BuildEvent::Log { text } if text.contains("install scripts"));
    assert!(events.iter().any(warned), "{events:?}");
    let mode = |path: &str| std::fs::metadata(machine.tree(image).join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("node_modules/a/index.js"), 0o644);
    assert_eq!(mode("node_modules/a/bin/run.sh"), 0o755);
    assert_eq!(mode("node_modules/a/bin"), 0o755);
    let manifest = std::fs::read(machine.images().join(image.image.as_str()).join("image.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest["preload"], json!(["a"]));
    assert_eq!(
        manifest["packages"],
        json!([{ "name": "@s/b", "version": "2.0.0" }, { "name": "a", "version": "1.0.0" }])
    );
}

#[tokio::test]
async fn the_same_lock_is_built_once_and_found_again() {
    let registry = Registry::start();
    let archive = tarball(&[("package/index.js", "x")]);
    registry.put_archive("/npm/a/-/a-1.0.0.tgz", &archive);
    let machine = Machine::start(&registry.config());
    let request = one_package(&archive);

    let (first, second) = tokio::join!(machine.build(&request), machine.build(&request));
    let third = machine.events(BUILD, &request).await.unwrap();

    let first = first.built();
    assert_eq!(first, second.built());
    assert_eq!(third, [BuildEvent::Built(first)]);
    assert_eq!(registry.paths(), ["/npm/a/-/a-1.0.0.tgz"]);
}

#[tokio::test]
async fn an_archive_with_another_hash_is_refused() {
    let registry = Registry::start();
    registry.put_archive("/npm/a/-/a-1.0.0.tgz", &tarball(&[("package/index.js", "changed")]));
    let machine = Machine::start(&registry.config());

    let (kind, message) = machine.build(&one_package(b"what was locked")).await.failed();

    assert_eq!(kind, FailureKind::Hash);
    assert!(message.contains("a 1.0.0"), "{message}");
    assert!(machine.entries().is_empty());
}

#[tokio::test]
async fn an_entry_without_a_hash_is_refused_before_anything_starts() {
    let registry = Registry::start();
    let machine = Machine::start(&registry.config());
    let request = package_lock(json!({ "node_modules/a": { "version": "1.0.0", "resolved": A } }));

    let error = machine.events(BUILD, &request).await.unwrap_err();

    let RpcError::Problem(problem) = error else { panic!("{error:?}") };
    assert_eq!((problem.status, problem.code.as_str()), (422, "lock-invalid"));
    assert!(problem.detail.contains("node_modules/a"), "{}", problem.detail);
    assert!(registry.requests().is_empty());
}
