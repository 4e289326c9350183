//! The rows as text and as JSON.

use serde_json::json;

use super::{Row, is_ready};

/// Columns, and below each lack what mends it.
pub fn text(rows: &[Row]) -> String {
    let width = rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    let mut part = "";
    for row in rows {
        if row.part != part {
            part = &row.part;
            text.push_str(&format!("{part}\n"));
        }
        let (name, state) = (&row.name, row.state.word());
        text.push_str(&format!("  {name:<width$}  {state:<7}  {}\n", row.found));
        if let Some(next) = &row.next {
            text.push_str(&format!("  {:<width$}  {:<7}  next: {next}\n", "", ""));
        }
    }
    let bad = rows.iter().filter(|row| row.needed && !row.state.is_good());
    let bad: Vec<&str> = bad.map(|row| row.name.as_str()).collect();
    text.push_str(&match bad.is_empty() {
        true => "ready for `cargo xtask quickstart` and `cargo test --workspace`\n".to_owned(),
        false => format!(
            "not ready for `cargo xtask quickstart` and `cargo test --workspace`: mend {}\n",
            bad.join(", ")
        ),
    });
    text
}

/// The same as JSON.
pub fn json(rows: &[Row]) -> String {
    let list: Vec<_> = rows.iter().map(Row::to_json).collect();
    format!("{:#}\n", json!({ "ready": is_ready(rows), "rows": list }))
}
