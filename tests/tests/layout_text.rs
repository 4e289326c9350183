//! Texts of layouts: what is read is written again, and what is no layout is refused where it ends
//! being one.

use pjrt::layouts::{Layout, TileSize};
use pjrt::{ElementType, MemoryLayout};
use pjrt_tests::{plugin, tpu};

#[test]
fn texts_of_layouts_come_back_as_they_were() {
    for text in [
        "{}",
        "{0}",
        "{1,0}",
        "{3,2,1,0:T(8,128)}",
        "{1,0:T(8,128)(2,1)}",
        "{:T(256)}",
        "{0:T()}",
        "{1,0:T(*,*,4)(1,2)}",
        "{1,0:L(1024)}",
        "{1,0:T(8,128)E(4)S(1)}",
        "{0,1:D(D,C+~)}",
        "{0:#(u32)*(u8)}",
        "{0:SC(0:128)(1:)}",
        "{1,0:S(5)SC(1:64,128)}",
        "{0:P(f32[8]{0:T(1024)})}",
        "{1,0:T(8,128)L(2)#(u32)*(u64)E(2)S(1)SC(0:4)P((f32[2]{0},s32[]{}))M(1024)}",
    ] {
        let layout: Layout = text.parse().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(layout.to_string(), text);
    }
}

#[test]
fn parts_are_what_the_text_says() {
    let text = "{1,0:T(8,*)(2,1)L(64)#(u32)*(u64)E(4)S(3)SC(0:5,6)P(u8[2]{0})M(16)}";
    let layout: Layout = text.parse().unwrap();
    assert_eq!(layout.minor_to_major(), [1, 0]);
    let tile =
        |sizes: &[i64]| -> Vec<TileSize> { sizes.iter().map(|s| TileSize::Elements(*s)).collect() };
    let joined = vec![TileSize::Elements(8), TileSize::Joined];
    assert_eq!(layout.tiles(), [joined, tile(&[2, 1])]);
    assert_eq!(layout.end_alignment(), 64);
    assert_eq!(layout.index_type(), Some("u32"));
    assert_eq!(layout.pointer_type(), Some("u64"));
    assert_eq!(layout.element_bits(), Some(4));
    assert_eq!(layout.memory_space(), 3);
    assert_eq!(layout.splits(), [(0, vec![5, 6])]);
    assert_eq!(layout.physical_shape(), Some("u8[2]{0}"));
    assert_eq!(layout.metadata_bytes(), 16);
    // What says nothing is left out, as are blanks.
    let layout: Layout = " { 1 , 0 : T( 8 ) L(1) E(0) S(0) M(0) } ".parse().unwrap();
    assert_eq!(layout.to_string(), "{1,0:T(8)}");
    assert_eq!((layout.end_alignment(), layout.element_bits()), (1, None));
    assert_eq!("{0:}".parse::<Layout>().unwrap().to_string(), "{0}");
}

#[test]
fn what_is_no_layout_is_refused_at_its_place() {
    for (text, position, expected) in [
        ("", 0, "`{`"),
        ("1,0", 0, "`{`"),
        ("{1,0", 4, "`}`"),
        ("{1,}", 3, "a number"),
        ("{1,x}", 3, "a number"),
        ("{-1}", 1, "`}`"),
        ("{1,1}", 3, "each dimension once"),
        ("{0,0}", 3, "each dimension once"),
        ("{0,2}", 3, "each dimension once"),
        ("{0}{0}", 3, "the end"),
        ("{0:T}", 4, "`(`"),
        ("{0:T(8,128}", 10, "`,` or `)`"),
        ("{0:T(8)(x)}", 8, "a number"),
        ("{0:E(4)T(8)}", 7, "`}`"),
        ("{0:L(0)}", 4, "an alignment from 1 up"),
        ("{0:E(99999999999999999999)}", 5, "a number"),
        ("{0:#()}", 5, "the name of a type"),
        ("{0:SC(0)}", 7, "`:`"),
        ("{0:P(f32[2}", 5, "something in parentheses"),
        ("{0:P()}", 5, "something in parentheses"),
        ("{0:Q(1)}", 3, "`}`"),
        ("{0:é}", 3, "`}`"),
    ] {
        let error = text.parse::<Layout>().expect_err(text);
        assert_eq!(error.position(), position, "{error}");
        assert!(error.expected().starts_with(expected), "{error}");
        assert_eq!(error.text(), text);
        let told = error.to_string();
        assert!(told.contains(&format!("at byte {position}")), "{told}");
    }
}

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn text(&mut self) -> String {
        let mut order: Vec<usize> = (0..self.below(5)).collect();
        for i in 1..order.len() {
            order.swap(i, self.below(i + 1));
        }
        let order: Vec<String> = order.iter().map(usize::to_string).collect();
        let mut rest = String::new();
        if self.below(2) == 0 {
            rest.push('T');
            for _ in 0..1 + self.below(3) {
                let sizes = ["8", "128", "*", "1", "9223372036854775807"];
                let tile: Vec<&str> = (0..self.below(4)).map(|_| sizes[self.below(5)]).collect();
                rest.push_str(&format!("({})", tile.join(",")));
            }
        }
        let parts = [
            "L(64)",
            "#(u32)",
            "*(u8)",
            "E(4)",
            "S(2)",
            "SC(0:1,2)(3:)",
            "P((f32[2]{0},s8[]))",
            "M(8)",
        ];
        for part in parts {
            if self.below(4) == 0 {
                rest.push_str(part);
            }
        }
        let colon = if rest.is_empty() { "" } else { ":" };
        format!("{{{}{colon}{rest}}}", order.join(","))
    }
}

#[test]
fn whatever_the_text_it_is_read_alike_twice_or_refused_inside() {
    let mut chance = Chance(1);
    let alphabet: Vec<char> = "{}(),:*#TLESCPMD019 é".chars().collect();
    let mut refused = 0;
    for _ in 0..20_000 {
        let text = chance.text();
        assert_eq!(text.parse::<Layout>().unwrap().to_string(), text);
        let mut damaged: Vec<char> = text.chars().collect();
        for _ in 0..1 + chance.below(3) {
            let at = chance.below(damaged.len() + 1);
            let other = alphabet[chance.below(alphabet.len())];
            match chance.below(3) {
                0 => damaged.insert(at, other),
                1 if at < damaged.len() => damaged[at] = other,
                _ => damaged.truncate(at),
            }
        }
        let damaged: String = damaged.into_iter().collect();
        match damaged.parse::<Layout>() {
            Ok(layout) => assert_eq!(layout.to_string().parse().as_ref(), Ok(&layout)),
            Err(error) => {
                assert!(damaged.is_char_boundary(error.position()), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 10_000, "{refused}");
}

#[test]
fn dimensions_and_tiles_can_be_given_to_calls() {
    let given = |text: &str| MemoryLayout::try_from(&text.parse::<Layout>().unwrap());
    let tiled = MemoryLayout::row_major(2).with_tile(&[8, 128]).unwrap();
    assert_eq!(given("{1,0:T(8,128)}").unwrap(), tiled);
    for text in ["{1,0:T(*,128)}", "{1,0:S(1)}", "{0:E(4)}"] {
        let error = given(text).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn a_tpu_tells_tiles() {
    let (Some(topology), Some(plugin)) = (tpu::topology("v5e:2x2"), plugin("tpu")) else {
        return;
    };
    let layouts: pjrt::layouts::Layouts = plugin.extension().unwrap();
    for (ty, text) in [
        (ElementType::F32, "{1,0:T(8,128)}"),
        (ElementType::BF16, "{1,0:T(8,128)(2,1)}"),
    ] {
        let layout = layouts.topology_default_layout(&topology, ty, &[16, 256]);
        let layout = layout.unwrap();
        assert_eq!(&layout.serialize().unwrap()[..], text.as_bytes());
        assert_eq!(layout.layout().unwrap().to_string(), text);
    }
}
