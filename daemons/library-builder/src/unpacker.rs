//! `bulkhead-library-builder unpacker`: what the unit `bulkhead-library-builder-unpacker@` runs for each connection to its socket.
//!
//! Standard input is the connection. One order comes, the sandbox does its work, one answer goes. It has no network, no state and
//! no configuration. When the daemon goes away, so does this, and the sandbox with it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use bulkhead_sandbox::Identity;

use crate::workshop::{Here, Order};

/// The first argument that makes this program the unpacker.
pub(crate) const ARGUMENT: &str = "unpacker";

/// Bytes of an order.
const MAX_ORDER_BYTES: u64 = 64 * 1024;

/// Carries out the one order that the connection brings.
pub(crate) fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // To the journal: standard error is all that this process has.
            eprintln!("the order was not carried out: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let connection = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A sandbox inherits standard input, and the connection is not for it.
    nix::unistd::dup2_stdin(File::open("/dev/null")?)?;
    let mut line = String::new();
    BufReader::new((&connection).take(MAX_ORDER_BYTES)).read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let watched = connection.try_clone()?;
    std::thread::spawn(move || {
        // Nothing follows the order: whatever there is to read is the end. The sandbox ends with this process.
        let _ = (&watched).read(&mut [0]);
        std::process::exit(1);
    });
    // Its unit gives it an unprivileged user; root is refused.
    let answer = Here::open(Identity::Caller, Path::new("/tmp"))?.carry_out(order);
    serde_json::to_writer(&connection, &answer)?;
    Ok(())
}
