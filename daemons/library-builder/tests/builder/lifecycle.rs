//! Crashes and removals.

use std::time::{Duration, Instant};

use bulkhead_rpc::RpcError;

use crate::archives::{crowd, one_package, tarball};
use crate::daemon::Machine;
use crate::registry::Registry;

#[tokio::test]
async fn a_kill_during_a_build_leaves_nothing_half() {
    let registry = Registry::start();
    let archive = crowd(40_000);
    registry.put_archive("/npm/a/-/a-1.0.0.tgz", &archive);
    let mut machine = Machine::start(&registry.config());
    machine.begin(&one_package(&archive)).await;
    let end = Instant::now() + Duration::from_secs(30);
    let begun = |entries: Vec<String>| entries.iter().any(|name| name.ends_with(".partial"));
    while !begun(machine.entries()) {
        assert!(Instant::now() < end, "no set was begun: {:?}", machine.entries());
        std::thread::sleep(Duration::from_millis(1));
    }
    // Into the unpacking.
    std::thread::sleep(Duration::from_millis(30));

    machine.kill();
    let left = machine.entries();
    machine.restart().await;

    assert!(left.iter().all(|name| name.ends_with(".partial")), "{left:?}");
    assert!(machine.entries().is_empty(), "{:?}", machine.entries());
    let image = machine.build(&one_package(&archive)).await.built();
    assert_eq!(image.files, 40_000);
    assert_eq!(machine.entries(), [image.image.to_string()]);
    // The archive was whole, and came once.
    assert_eq!(registry.paths().len(), 1);
}

#[tokio::test]
async fn a_build_goes_on_when_nobody_listens() {
    let registry = Registry::start();
    let archive = crowd(1000);
    registry.put_archive("/npm/a/-/a-1.0.0.tgz", &archive);
    let machine = Machine::start(&registry.config());

    machine.begin(&one_package(&archive)).await;

    let end = Instant::now() + Duration::from_secs(30);
    while machine.entries().iter().all(|name| name.len() != 64) {
        assert!(Instant::now() < end, "nothing was built: {:?}", machine.entries());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_archive_is_used_again_unless_it_was_damaged() {
    let registry = Registry::start();
    let archive = tarball(&[("package/index.js", "x")]);
    registry.put_archive("/npm/a/-/a-1.0.0.tgz", &archive);
    let machine = Machine::start(&registry.config());
    let mut request = one_package(&archive);
    machine.build(&request).await.built();

    request.preload = vec!["a".to_owned()];
    machine.build(&request).await.built();
    let before = registry.paths().len();
    machine.damage_cache();
    request.preload = vec!["a/other".to_owned()];
    let image = machine.build(&request).await.built();

    assert_eq!((before, registry.paths().len()), (1, 2));
    assert_eq!(machine.file(&image, "node_modules/a/index.js").as_deref(), Some("x"));
}

#[tokio::test]
async fn a_set_can_be_removed() {
    let registry = Registry::start();
    let archive = tarball(&[("package/index.js", "x")]);
    registry.put_archive("/npm/a/-/a-1.0.0.tgz", &archive);
    let machine = Machine::start(&registry.config());
    let image = machine.build(&one_package(&archive)).await.built();

    machine.remove(image.image.as_str()).await.unwrap();

    assert!(machine.entries().is_empty());
    for unknown in [image.image.as_str(), "..%2f..", "short"] {
        let RpcError::Problem(problem) = machine.remove(unknown).await.unwrap_err() else { panic!("{unknown}") };
        assert_eq!(problem.status, 404);
    }
}
