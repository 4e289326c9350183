//! Command-line door of the workspace.
