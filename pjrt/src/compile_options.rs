//! Options of a compilation.

use crate::rt::Message;

/// How a program is compiled. The default is one replica of one partition.
///
/// The number of replicas and of partitions is always sent, for some plugins abort the process
/// when they are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileOptions {
    replicas: u32,
    partitions: u32,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            replicas: 1,
            partitions: 1,
        }
    }
}

impl CompileOptions {
    /// One replica of one partition.
    pub fn new() -> Self {
        Self::default()
    }

    /// On how many replicas the program runs; at least 1.
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas.max(1);
        self
    }

    /// Into how many partitions one replica is split; at least 1.
    #[must_use]
    pub fn partitions(mut self, partitions: u32) -> Self {
        self.partitions = partitions.max(1);
        self
    }

    /// The options as a serialised `CompileOptionsProto`.
    pub fn to_bytes(&self) -> Vec<u8> {
        // executable_build_options (3) { num_replicas (4), num_partitions (5) }
        let mut build = Vec::new();
        varint_field(4, self.replicas.into(), &mut build);
        varint_field(5, self.partitions.into(), &mut build);
        let mut bytes = vec![3 << 3 | 2];
        varint(build.len() as u64, &mut bytes);
        bytes.extend(build);
        bytes
    }
}

impl Message for CompileOptions {
    fn serialised(&self) -> Vec<u8> {
        self.to_bytes()
    }
}

fn varint_field(number: u8, value: u64, bytes: &mut Vec<u8>) {
    bytes.push(number << 3);
    varint(value, bytes);
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_and_partitions_are_always_sent() {
        assert_eq!(
            CompileOptions::new().to_bytes(),
            [0x1a, 4, 0x20, 1, 0x28, 1]
        );
        assert_eq!(
            CompileOptions::new().replicas(300).to_bytes(),
            [0x1a, 5, 0x20, 0xac, 2, 0x28, 1]
        );
    }
}
