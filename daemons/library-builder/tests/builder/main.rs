//! The daemon as jobs-runner sees it: the real binary over its real socket, against a registry in this process.
#![allow(clippy::unwrap_used)]

mod archives;
mod daemon;
mod hostile;
mod javascript;
mod lifecycle;
mod python;
mod registry;
mod sources;
mod unpacker;
