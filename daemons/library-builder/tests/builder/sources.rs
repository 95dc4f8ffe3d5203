//! Where archives come from: private registries, bundles, and registries that fail.

use bulkhead_rpc::library_builder::FailureKind;

use crate::archives::{one_package, requirements, tarball, wheel};
use crate::daemon::Machine;
use crate::registry::{Registry, Reply, nobody};

const PATH: &str = "/npm/a/-/a-1.0.0.tgz";

fn archive() -> Vec<u8> {
    tarball(&[("package/index.js", "x")])
}

#[tokio::test]
async fn a_private_registry_is_shown_the_credential() {
    for (token, wanted) in [("secret-token\n", "Bearer secret-token"), ("user:word", "Basic dXNlcjp3b3Jk")] {
        let registry = Registry::start();
        registry.put(PATH, Reply::Private(wanted.to_owned(), archive()));

        let with = Machine::with_credential(&registry.config(), Some(("npm-registry.token", token)));
        with.build(&one_package(&archive())).await.built();

        let without = Machine::start(&registry.config());
        let (kind, message) = without.build(&one_package(&archive())).await.failed();
        assert_eq!(kind, FailureKind::Registry);
        assert!(message.contains("401") && message.contains("npm-registry.token"), "{message}");
    }
}

#[tokio::test]
async fn the_credential_stays_with_its_registry() {
    let (elsewhere, certificate) = Registry::with_tls();
    elsewhere.put_archive("/moved", &archive());
    let registry = Registry::start();
    registry.put(PATH, Reply::Moved(format!("{}/moved", elsewhere.address())));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, certificate).unwrap();
    let config = format!("{}\nca-file = '{}'", registry.config(), file.display());
    let machine = Machine::with_credential(&config, Some(("npm-registry.token", "secret")));

    machine.build(&one_package(&archive())).await.built();

    assert_eq!(registry.requests()[0].authorization.as_deref(), Some("Bearer secret"));
    assert_eq!(elsewhere.requests()[0].authorization, None);
}

#[tokio::test]
async fn a_redirect_to_another_server_needs_https() {
    let elsewhere = Registry::start();
    elsewhere.put_archive("/moved", &archive());
    let registry = Registry::start();
    registry.put(PATH, Reply::Moved(format!("{}/moved", elsewhere.address())));
    let machine = Machine::start(&registry.config());

    let (kind, message) = machine.build(&one_package(&archive())).await.failed();

    assert_eq!(kind, FailureKind::Registry);
    assert!(message.contains("HTTPS"), "{message}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_registry_is_believed_only_with_a_certificate_of_an_authority() {
    let (registry, certificate) = Registry::with_tls();
    registry.put_archive(PATH, &archive());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, certificate).unwrap();

    let trusting = Machine::start(&format!("{}\nca-file = '{}'", registry.config(), file.display()));
    trusting.build(&one_package(&archive())).await.built();
    let wary = Machine::start(&registry.config());
    let (kind, message) = wary.build(&one_package(&archive())).await.failed();

    assert_eq!(kind, FailureKind::Registry);
    assert!(message.contains("certificate"), "{message}");
}

#[tokio::test]
async fn a_registry_on_this_machine_has_to_be_allowed() {
    let registry = Registry::start();
    registry.put_archive(PATH, &archive());
    let machine = Machine::start(&format!("npm-registry = '{}/npm'", registry.address()));

    let (kind, message) = machine.build(&one_package(&archive())).await.failed();

    assert_eq!(kind, FailureKind::Registry);
    assert!(message.contains("allow-networks"), "{message}");
    assert!(registry.requests().is_empty());
}

#[tokio::test]
async fn bundles_replace_the_network() {
    let wheel = wheel(&[("one.py", b"1")]);
    let machine = Machine::start("");
    std::fs::create_dir(machine.bundles().join("july")).unwrap();
    std::fs::write(machine.bundles().join("july/whatever.tgz"), archive()).unwrap();
    std::fs::write(machine.bundles().join("one-1.0-py3-none-any.whl"), &wheel).unwrap();

    let javascript = machine.import(&one_package(&archive())).await.built();
    let python = machine.build(&requirements(&[("one", &wheel)])).await.built();

    assert_eq!(machine.file(&javascript, "node_modules/a/index.js").as_deref(), Some("x"));
    assert_eq!(machine.file(&python, "python/one.py").as_deref(), Some("1"));
}

#[tokio::test]
async fn what_is_in_no_bundle_is_named() {
    let registry = Registry::start();
    registry.put_archive(PATH, &archive());
    let machine = Machine::start(&registry.config());
    let unconfigured = Machine::start("");

    let (kind, message) = machine.import(&one_package(&archive())).await.failed();
    let (other, advice) = unconfigured.build(&one_package(&archive())).await.failed();

    assert_eq!((kind, other), (FailureKind::Missing, FailureKind::Registry));
    assert!(message.contains("a 1.0.0"), "{message}");
    assert!(advice.contains("set npm-registry"), "{advice}");
    assert!(registry.requests().is_empty());
}

#[tokio::test]
async fn a_registry_that_is_down_is_named() {
    let machine = Machine::start(&format!("npm-registry = '{}'\nallow-networks = ['127.0.0.0/8']", nobody()));

    let (kind, message) = machine.build(&one_package(&archive())).await.failed();

    assert_eq!(kind, FailureKind::Registry);
    assert!(message.contains("127.0.0.1") && message.contains("cannot be reached"), "{message}");
}

#[tokio::test]
async fn a_cut_connection_is_tried_again_and_then_named() {
    let registry = Registry::start();
    registry.put(PATH, Reply::Half(archive()));
    let machine = Machine::start(&registry.config());

    let (kind, message) = machine.build(&one_package(&archive())).await.failed();

    assert_eq!(kind, FailureKind::Registry);
    assert!(message.contains("broke off"), "{message}");
    assert_eq!(registry.paths().len(), 3);
    assert!(machine.entries().is_empty());
}

#[tokio::test]
async fn an_archive_that_the_registry_lacks_is_missing() {
    let registry = Registry::start();
    let machine = Machine::start(&registry.config());

    let (kind, message) = machine.build(&one_package(&archive())).await.failed();

    assert_eq!(kind, FailureKind::Missing);
    assert!(message.contains("404"), "{message}");
}
