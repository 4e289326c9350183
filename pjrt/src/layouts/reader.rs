//! Reads the text of a layout.

use super::{Layout, TileSize};
use std::fmt;
use std::str::FromStr;

/// A text that is no layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutError {
    text: String,
    position: usize,
    expected: &'static str,
}

impl LayoutError {
    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the text cannot be read further, in bytes from its start.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What was expected there.
    pub fn expected(&self) -> &'static str {
        self.expected
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, position, expected) = (&self.text, self.position, self.expected);
        write!(
            f,
            "{text:?} is no layout: expected {expected} at byte {position}"
        )?;
        match self
            .text
            .get(self.position..)
            .and_then(|t| t.chars().next())
        {
            Some(found) => write!(f, ", found {found:?}"),
            None => f.write_str(", found the end"),
        }
    }
}

impl std::error::Error for LayoutError {}

impl FromStr for Layout {
    type Err = LayoutError;

    fn from_str(text: &str) -> Result<Layout, LayoutError> {
        let mut reader = Reader { text, position: 0 };
        reader.layout().map_err(|expected| LayoutError {
            text: text.to_owned(),
            position: reader.position,
            expected,
        })
    }
}

/// Reads a text from its start. An error is what was expected where it stands.
struct Reader<'a> {
    text: &'a str,
    position: usize,
}

type Read<T> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// Goes past this word, and the blanks before it, if it stands here.
    fn eat(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_ascii_start();
        let found = trimmed.starts_with(word);
        if found {
            self.position += rest.len() - trimmed.len() + word.len();
        }
        found
    }

    fn expect(&mut self, word: &str, expected: &'static str) -> Read<()> {
        if self.eat(word) {
            Ok(())
        } else {
            Err(expected)
        }
    }

    /// Goes past the characters of a kind.
    fn run(&mut self, is: impl Fn(char) -> bool) -> &'a str {
        self.eat("");
        let rest = self.rest();
        let end = rest.find(|c| !is(c)).unwrap_or(rest.len());
        self.position += end;
        rest.get(..end).unwrap_or_default()
    }

    fn number(&mut self) -> Read<i64> {
        let start = self.position;
        let digits = self.run(|c| c.is_ascii_digit());
        let number = digits.parse();
        if number.is_err() && !digits.is_empty() {
            self.position = start;
        }
        number.map_err(|_| "a number of at most 63 bits")
    }

    /// Items with commas between them, up to a closing parenthesis; there may be none.
    fn items<T>(&mut self, item: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut items = Vec::new();
        if self.eat(")") {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(")") {
                return Ok(items);
            }
            self.expect(",", "`,` or `)`")?;
        }
    }

    fn in_parentheses<T>(&mut self, inner: impl Fn(&mut Self) -> Read<T>) -> Read<T> {
        self.expect("(", "`(`")?;
        let value = inner(self)?;
        self.expect(")", "`)`")?;
        Ok(value)
    }

    /// A number that says something only above this one.
    fn above(&mut self, least: i64, expected: &'static str) -> Read<i64> {
        let start = self.position;
        let number = self.in_parentheses(Self::number)?;
        if number > least {
            return Ok(number);
        }
        self.position = start;
        Err(expected)
    }

    fn tile_size(&mut self) -> Read<TileSize> {
        if self.eat("*") {
            return Ok(TileSize::Joined);
        }
        self.number().map(TileSize::Elements)
    }

    fn split(&mut self) -> Read<(i64, Vec<i64>)> {
        let dimension = self.number()?;
        self.expect(":", "`:`")?;
        Ok((dimension, self.items(Self::number)?))
    }

    fn type_name(&mut self) -> Read<String> {
        let name = self.run(|c| c.is_ascii_alphanumeric());
        if name.is_empty() {
            return Err("the name of a type");
        }
        Ok(name.to_owned())
    }

    /// What stands up to the parenthesis that closes the one before.
    fn enclosed(&mut self) -> Read<String> {
        let mut open = 0usize;
        for (at, c) in self.rest().char_indices() {
            match c {
                '(' => open += 1,
                ')' if open == 0 => {
                    let inner = self.rest().get(..at).unwrap_or_default();
                    if inner.is_empty() {
                        break;
                    }
                    self.position += at;
                    return Ok(inner.to_owned());
                }
                ')' => open -= 1,
                _ => {}
            }
        }
        Err("something in parentheses")
    }

    fn order(&mut self) -> Read<Vec<i64>> {
        let mut order = Vec::new();
        let mut ends = Vec::new();
        if self
            .rest()
            .trim_ascii_start()
            .starts_with(|c: char| c.is_ascii_digit())
        {
            loop {
                order.push(self.number()?);
                ends.push(self.position);
                if !self.eat(",") {
                    break;
                }
            }
        }
        let rank = i64::try_from(order.len()).unwrap_or(i64::MAX);
        for (i, dimension) in order.iter().enumerate() {
            let before = order.get(..i).unwrap_or_default();
            if *dimension >= rank || before.contains(dimension) {
                let end = ends.get(i).copied().unwrap_or(self.position);
                self.position = end - dimension.to_string().len().min(end);
                return Err("each dimension once");
            }
        }
        Ok(order)
    }

    fn layout(&mut self) -> Read<Layout> {
        self.expect("{", "`{`")?;
        let mut layout = Layout::of(self.order()?);
        if self.eat(":") {
            self.attributes(&mut layout)?;
        }
        self.expect("}", "`}`, or what may still follow")?;
        self.eat("");
        if self.rest().is_empty() {
            Ok(layout)
        } else {
            Err("the end")
        }
    }

    fn attributes(&mut self, layout: &mut Layout) -> Read<()> {
        if self.eat("D") {
            layout.levels = Some(self.in_parentheses(Self::enclosed)?);
        }
        if self.eat("T") {
            self.expect("(", "`(`")?;
            layout.tiles.push(self.items(Self::tile_size)?);
            while self.eat("(") {
                layout.tiles.push(self.items(Self::tile_size)?);
            }
        }
        if self.eat("L") {
            layout.end_alignment = self.above(0, "an alignment from 1 up")?;
        }
        if self.eat("#") {
            layout.index_type = Some(self.in_parentheses(Self::type_name)?);
        }
        if self.eat("*") {
            layout.pointer_type = Some(self.in_parentheses(Self::type_name)?);
        }
        if self.eat("E") {
            layout.element_bits = self.in_parentheses(Self::number)?;
        }
        let splits = self.rest().trim_ascii_start().starts_with("SC");
        if !splits && self.eat("S") {
            layout.memory_space = self.in_parentheses(Self::number)?;
        }
        if self.eat("SC") {
            self.expect("(", "`(`")?;
            layout.splits.push(self.split()?);
            while self.eat("(") {
                layout.splits.push(self.split()?);
            }
        }
        if self.eat("P") {
            layout.physical_shape = Some(self.in_parentheses(Self::enclosed)?);
        }
        if self.eat("M") {
            layout.metadata_bytes = self.in_parentheses(Self::number)?;
        }
        Ok(())
    }
}
