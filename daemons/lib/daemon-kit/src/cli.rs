//! The command line that all daemons have.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};

use crate::DaemonSpec;

pub(crate) struct Arguments {
    pub(crate) config: PathBuf,
    pub(crate) check_config: bool,
}

/// Parses the command line. `--help`, `--version` and mistakes end the process here.
pub(crate) fn parse(spec: &DaemonSpec) -> Arguments {
    let matches = Command::new(spec.name)
        .about(spec.about)
        .version(spec.version)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("PATH")
                .value_parser(value_parser!(PathBuf))
                .default_value(spec.config)
                .help("Configuration file; the files of the .d directory beside it are read after it"),
        )
        .arg(
            Arg::new("check-config")
                .long("check-config")
                .action(ArgAction::SetTrue)
                .help("Check the configuration and end: 0 when it is sound, 2 when it is not"),
        )
        .get_matches();
    Arguments {
        config: matches.get_one::<PathBuf>("config").cloned().unwrap_or_else(|| spec.config.into()),
        check_config: matches.get_flag("check-config"),
    }
}
