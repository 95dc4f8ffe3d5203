//! What the programs of the bench share.

pub mod process;
pub mod report;
pub mod sample;
