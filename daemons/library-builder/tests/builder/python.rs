//! Sets for Python.

use bulkhead_rpc::RpcError;
use bulkhead_rpc::library_builder::{BUILD, FailureKind};

use crate::archives::{requirements, sha256, wheel};
use crate::daemon::Machine;
use crate::registry::{Registry, Reply};

#[tokio::test]
async fn requirements_become_one_directory_of_modules() {
    let registry = Registry::start();
    let one = wheel(&[
        ("one/__init__.py", b"1"),
        ("one/native.so", b"elf"),
        ("shared/__init__.py", b""),
        ("one-1.0.dist-info/METADATA", b"Name: one"),
        ("one-1.0.data/purelib/pure.py", b"2"),
        ("one-1.0.data/scripts/run", b"#!"),
        ("one-1.0.data/data/etc/conf", b""),
    ]);
    let two = wheel(&[("two.py", b"3"), ("shared/__init__.py", b"")]);
    registry.put_python("one", &[("one-1.0.tar.gz", b"source"), ("one-1.0-py3-none-any.whl", &one)]);
    registry.put_python("two", &[("two-1.0-py2.py3-none-any.whl", &two), ("two-1.0-cp27-cp27m-win32.whl", b"w")]);
    let machine = Machine::start(&registry.config());

    let image = machine.build(&requirements(&[("One", &one), ("two", &two)])).await.built();

    assert_eq!(image.files, 6);
    assert_eq!(machine.file(&image, "python/one/__init__.py").as_deref(), Some("1"));
    assert_eq!(machine.file(&image, "python/one/native.so").as_deref(), Some("elf"));
    assert_eq!(machine.file(&image, "python/pure.py").as_deref(), Some("2"));
    assert_eq!(machine.file(&image, "python/two.py").as_deref(), Some("3"));
    assert!(!machine.tree(&image).join("python/run").exists());
    let names: Vec<_> = image.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["one", "two"]);
}

#[tokio::test]
async fn an_index_that_only_has_html_will_do() {
    let registry = Registry::start();
    let archive = wheel(&[("one.py", b"1")]);
    let page = format!(
        "<!DOCTYPE html><a href=\"/files/one-1.0-py3-none-any.whl#sha256={}\">one-1.0-py3-none-any.whl</a>",
        sha256(&archive)
    );
    registry.put("/simple/one/", Reply::Content("text/html", page.into()));
    registry.put_archive("/files/one-1.0-py3-none-any.whl", &archive);
    let machine = Machine::start(&registry.config());

    let image = machine.build(&requirements(&[("one", &archive)])).await.built();

    assert_eq!(machine.file(&image, "python/one.py").as_deref(), Some("1"));
}

#[tokio::test]
async fn a_package_that_is_source_only_is_refused() {
    let registry = Registry::start();
    registry.put_python("one", &[("one-1.0.tar.gz", b"source")]);
    let machine = Machine::start(&registry.config());

    let (kind, message) = machine.build(&requirements(&[("one", b"source")])).await.failed();

    assert_eq!(kind, FailureKind::Missing);
    assert!(message.contains("one-1.0.tar.gz") && message.contains("source"), "{message}");
    assert_eq!(registry.paths(), ["/simple/one/"]);
}

#[tokio::test]
async fn a_wheel_with_another_content_than_the_index_says_is_refused() {
    let registry = Registry::start();
    let archive = wheel(&[("one.py", b"1")]);
    registry.put_python("one", &[("one-1.0-py3-none-any.whl", &archive)]);
    registry.put_archive("/files/one-1.0-py3-none-any.whl", b"changed");
    let machine = Machine::start(&registry.config());

    let (kind, _) = machine.build(&requirements(&[("one", &archive)])).await.failed();

    assert_eq!(kind, FailureKind::Hash);
    assert!(machine.entries().is_empty());
}

#[tokio::test]
async fn a_requirement_without_a_hash_is_refused_with_its_line() {
    let machine = Machine::start("");
    let mut request = requirements(&[]);
    request.lock = "# set\none==1.0\n".to_owned();

    let error = machine.events(BUILD, &request).await.unwrap_err();

    let RpcError::Problem(problem) = error else { panic!("{error:?}") };
    assert_eq!(problem.code, "lock-invalid");
    assert!(problem.detail.contains("line 2") && problem.detail.contains("one==1.0"), "{}", problem.detail);
}
