//! Whole files of n8n's, and files made to go wrong.

mod files;
mod graphs;
mod hostile;
mod kinds;
mod random;
mod workflow;
