//! Command-line door of the workspace.
fn main() {}
