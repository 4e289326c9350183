//! A type whose memory a plugin fills is one that somebody vouches for.

use pjrt::{Element, ElementType};

#[derive(Clone, Copy)]
struct Reference(&'static u8);

impl Element for Reference {
    const TYPE: ElementType = ElementType::U64;
}

fn main() {
    let _ = Reference(&0).0;
}
