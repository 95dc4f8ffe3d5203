//! Attacks by programs without an interpreter: `c_attacks.c`, linked statically so that nothing stands between it and the
//! kernel. They run as programs of the command line do, which may start processes.
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use bulkhead_sandbox::Ending;

use crate::kit;

/// Name of the attack, and what it must print.
const TABLE: &[(&str, &str)] = &[
    // Resources.
    ("many_pipes", "bounded"),
    ("many_directories", "bounded"),
    ("fill_scratch", "bounded"),
    ("larger_pipe", "errno EPERM"),
    ("limits_of_all", "errno EPERM"),
    ("core_file", "1"),
    ("real_time", "errno EPERM"),
    // Files.
    ("write_through_shared_mapping", "errno EACCES"),
    ("execute_mapped_scratch", "errno EPERM"),
    ("by_the_loader", "refused"),
    ("reach_parent_directories", "the same root"),
    ("what_is_in_dev", "no more"),
    ("what_of_proc", "no more"),
    ("set_user_id_file", "void"),
    ("device_in_scratch", "errno EPERM"),
    ("pipe_file", "errno EPERM"),
    ("link_to_system", "errno EXDEV"),
    ("rename_over_system", "errno EXDEV"),
    ("link_out", "returned 0\nerrno ENOENT"),
    ("lease", "errno EPERM"),
    ("notify_directory", "errno EPERM"),
    // Sockets and descriptors.
    ("pair_of_netlink", "errno EPERM"),
    ("pair_of_vsock", "errno EPERM"),
    ("filter_on_a_socket", "errno EPERM"),
    ("peer_process_by_descriptor", "errno EPERM"),
    ("peer_credentials", "errno EPERM"),
    ("pass_process_descriptors", "errno EPERM"),
    ("pass_descriptor", "returned 0"),
    ("other_credentials", "errno EINVAL"),
    ("owner_of_signals", "errno EPERM"),
    ("urgent_data", "errno EPERM"),
    // Memory.
    ("merge_pages", "errno EPERM"),
    ("evict_pages", "errno EPERM"),
    ("poison_memory", "errno EPERM"),
    ("change_memory_map", "errno EPERM"),
    // Processes.
    ("new_thread_name_space", "errno EPERM"),
    ("high_bits_of_clone", "errno EPERM"),
    ("stay_alive_by_a_daemon", "left"),
    ("ignore_kill", "errno EINVAL"),
    ("kill_the_first", "returned 0\nalive"),
    ("processes_of_others", "0"),
    // Privileges and filters.
    ("unwind_seccomp", "errno EPERM"),
    ("second_filter", "errno EPERM"),
    ("privileges_again", "errno EPERM"),
    ("keep_capabilities", "errno EPERM"),
    ("ambient_capability", "errno EPERM"),
    ("allow_a_tracer", "errno EPERM"),
    ("dumpable", "errno EPERM"),
    ("reap_for_others", "errno EPERM"),
    ("survive_the_parent", "errno EPERM"),
    ("speculation", "errno EPERM"),
    // Ways into the kernel.
    ("all_refused", "all were"),
    ("high_bits_of_ioctl", "errno EPERM"),
    ("system_v_x86", "errno ENOSYS"),
    ("negative_number", "errno ENOSYS"),
    ("priority_inheritance", "errno EPERM"),
    ("requeue_to_priority_inheritance", "errno EPERM"),
    ("interrupt_every_processor", "errno EPERM"),
    ("drop_pages_of_a_file", "errno EPERM"),
    ("processor_feature_by_request", "errno EPERM"),
    ("robust_list_of_another", "errno EPERM"),
    ("vsyscall_of_old", "alive"),
];

#[test]
fn every_attack_of_a_static_program_ends_as_the_table_says() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let program = directory.path().join("attacks");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/escape/c_attacks.c");
    let compiled = Command::new("cc").args(["-static", "-O1", "-Wall", "-Werror", source, "-o"]).arg(&program).status();
    assert!(compiled.unwrap().success(), "the attacks do not compile");
    let mut wrong = Vec::new();
    for (name, expected) in TABLE {
        let policy = kit::policy().with_read_only(directory.path());
        let ended = kit::run(policy, program.to_str().unwrap(), &[name]).unwrap();
        // The loader complains in its own words first.
        if ended.ending != Ending::Exited(0) || !ended.output.ends_with(expected) {
            wrong.push(format!("{name}: {:?}, printed {:?}", ended.ending, ended.output));
        }
    }
    assert!(wrong.is_empty(), "{} attacks of {}:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_every_attack_of_the_program() {
    let source = include_str!("c_attacks.c");
    let table = source.split_once("attacks[] = {").unwrap().1;
    let names = table.split(" A(").skip(1).filter_map(|rest| rest.split_once(')')).map(|(name, _)| name);

    for name in names.filter(|name| *name != "name") {
        assert!(TABLE.iter().any(|(known, _)| *known == name), "{name} is not in the table");
    }
}
