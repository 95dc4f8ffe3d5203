//! Who is who between the daemons of several machines: a role in each certificate, TLS 1.3 on both sides.
//!
//! On one machine the kernel tells which daemon is on the other end of a Unix socket. Between machines a certificate of an authority of
//! one's own does: its URI name `bulkhead://role/<daemon>` is the role, and [`Role::callers`] is the one table that says who may call whom,
//! over either kind of socket. A server shows its role too, and a client that expects another one goes no further: the certificate of a
//! worker does not make a db-connector.
//!
//! Owned here: roles, reading and renewing a daemon's certificate, the two sides' TLS settings, and what is said when they do not agree.
//! Not here: connections, and certificates' making (`bulkheadctl pki`).

mod certificate;
mod explain;
mod identity;
mod keep_alive;
mod role;
mod server_role;

pub use certificate::{CertificateFault, Shown, shown};
pub use explain::explain;
pub use identity::{Files, Identity, IdentityError};
pub use keep_alive::keep_alive;
pub use role::{Role, UnknownRole};
