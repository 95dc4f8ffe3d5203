//! One table of callers: what ARCHITECTURE.md, the units and the pages say has to be what the code says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bulkhead_mtls::Role;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn cells(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
}

/// Daemons that a text names, which are those of a list: `postgresql, db-connector`.
fn named(text: &str) -> BTreeSet<Role> {
    text.split([',', ';']).filter_map(|word| word.trim().parse().ok()).collect()
}

#[test]
fn the_table_of_services_names_who_is_called() {
    let document = text("ARCHITECTURE.md");
    for role in Role::ALL {
        let begin = format!("| `{}", role.unit());
        let line =
            document.lines().find(|line| line.strip_prefix(&begin).is_some_and(|rest| rest.starts_with(['`', '@'])));
        let called = named(&cells(line.unwrap_or_else(|| panic!("{role} is missing")))[2]);
        let by_code: BTreeSet<_> = Role::ALL.into_iter().filter(|server| server.callers().contains(&role)).collect();
        assert_eq!(called, by_code, "whom {role} calls");
    }
}

#[test]
fn each_socket_has_its_unit_off_and_closed() {
    for role in Role::ALL {
        let file = format!("units/system/{}-tls.socket", role.unit());
        let Some(port) = role.port() else {
            assert!(!repository().join(&file).exists(), "{file}");
            continue;
        };
        let unit = text(&file);
        let service = format!("Service={}.service", role.unit());
        let listen = format!("ListenStream=127.0.0.1:{port}");
        for line in
            [listen.as_str(), "FileDescriptorName=rpc-tls", &service, "IPAddressDeny=any", "IPAddressAllow=localhost"]
        {
            assert!(unit.lines().any(|found| found == line), "{file}: {line}");
        }
        // `Sockets=` would start it with the service.
        let service = text(&format!("units/system/{}.service", role.unit()));
        assert!(!service.contains("-tls.socket"), "{role}");
    }
}

#[test]
fn the_page_has_the_ports_and_callers() {
    let page = text("docs/several-machines.md");
    for role in Role::ALL.into_iter().filter(|role| role.port().is_some()) {
        let begin = format!("| {} |", role.port().unwrap_or_default());
        let row = cells(page.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("{begin}")));
        assert_eq!(row[1], role.name());
        assert_eq!(named(&row[2]), role.callers().iter().copied().collect(), "{role}");
    }
}
