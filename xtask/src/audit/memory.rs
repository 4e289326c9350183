//! What memory this process has, so that a pointer is looked at before it is followed.

/// The mapped ranges: begin, end, whether they can be read, whether they can be run.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    ranges: Option<Vec<(usize, usize, bool, bool)>>,
}

impl Memory {
    /// As it is now. Where the system does not tell, everything counts as there: the process is one
    /// that may end.
    pub fn now() -> Self {
        let maps = std::fs::read_to_string("/proc/self/maps").ok();
        Self {
            ranges: maps.map(|text| text.lines().filter_map(range).collect()),
        }
    }

    /// How many bytes from an address on can be read, `length` at most.
    pub fn readable(&self, address: usize, length: usize) -> usize {
        let Some(ranges) = &self.ranges else {
            return length;
        };
        let end = address.saturating_add(length);
        let mut at = address;
        // The ranges are in order, and one may follow another without a gap.
        for (from, to, read, _) in ranges {
            if *read && *from <= at && at < *to {
                at = *to;
            }
        }
        at.min(end).saturating_sub(address)
    }

    /// Whether all of it can be read.
    pub fn has(&self, address: usize, length: usize) -> bool {
        self.readable(address, length) == length
    }

    /// A letter for a word: `0` null, `c` code, `d` data, `x` no memory.
    pub fn letter(&self, word: usize) -> char {
        if word == 0 {
            return '0';
        }
        let Some(ranges) = &self.ranges else {
            return 'c';
        };
        match ranges.iter().find(|r| r.0 <= word && word < r.1) {
            Some((_, _, _, true)) => 'c',
            Some(_) => 'd',
            None => 'x',
        }
    }
}

fn range(line: &str) -> Option<(usize, usize, bool, bool)> {
    let mut words = line.split_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some((
        number(from)?,
        number(to)?,
        rights.starts_with('r'),
        rights.contains('x'),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_are_one() {
        let lines = [
            "1000-2000 r--p 0",
            "2000-3000 rw-p 0",
            "4000-5000 r-xp 0",
            "6000-7000 ---p 0",
        ];
        let memory = Memory {
            ranges: Some(lines.into_iter().filter_map(range).collect()),
        };
        assert!(memory.has(0x1800, 0x1000));
        assert_eq!(memory.readable(0x2ff0, 0x100), 0x10);
        assert_eq!(memory.readable(0x6000, 8), 0);
        let letters: String = [0, 0x4000, 0x1000, 0x9000]
            .map(|w| memory.letter(w))
            .iter()
            .collect();
        assert_eq!(letters, "0cdx");
    }
}
