//! What a compilation depends on outside of the plugin.

use std::sync::OnceLock;

/// Variables that the plugins of XLA read flags from.
const FLAGS: [&str; 2] = ["XLA_FLAGS", "LIBTPU_INIT_ARGS"];

/// The flags that are set in the environment.
pub(super) fn flags() -> impl Iterator<Item = (&'static str, String)> {
    FLAGS.into_iter().filter_map(|name| {
        let value = std::env::var_os(name)?;
        // What is no text is told apart all the same.
        let value = value.into_string();
        Some((name, value.unwrap_or_else(|bytes| format!("{bytes:?}"))))
    })
}

/// The processor, and what it can do: a program for the host runs on no lesser one.
pub(super) fn processor() -> &'static str {
    static PROCESSOR: OnceLock<String> = OnceLock::new();
    PROCESSOR.get_or_init(|| {
        let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
        // Linux.
        let features = std::fs::read_to_string("/proc/cpuinfo").map(|text| of_cpuinfo(&text));
        // Windows; elsewhere the architecture must do.
        let named = || std::env::var("PROCESSOR_IDENTIFIER").unwrap_or_default();
        format!("{arch} {os} {}", features.unwrap_or_else(|_| named()))
    })
}

/// What stays the same about the first processor: not its speed, for one.
fn of_cpuinfo(text: &str) -> String {
    const KEPT: [&str; 12] = [
        "vendor_id",
        "cpu family",
        "model",
        "model name",
        "flags",
        "Features",
        "CPU implementer",
        "CPU architecture",
        "CPU variant",
        "CPU part",
        "isa",
        "uarch",
    ];
    let lines = text.lines().skip_while(|line| line.trim().is_empty());
    let first = lines.take_while(|line| !line.trim().is_empty());
    let pairs = first.filter_map(|line| line.split_once(':'));
    let mut kept: Vec<(&str, &str)> = pairs
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect();
    kept.retain(|(name, _)| KEPT.contains(name));
    let name = kept.iter().find(|(name, _)| *name == "model name");
    let all: Vec<String> = kept
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let hash = super::format::sha256(all.join("\n").as_bytes());
    format!("{} sha256:{hash}", name.map_or("", |(_, value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "processor\t: 0\nmodel name\t: Fast\ncpu MHz\t: 1000.1\nflags\t: avx2 fma\n\nprocessor\t: 1\nflags\t: none\n";

    #[test]
    fn a_processor_is_its_model_and_features_and_not_its_speed() {
        let one = of_cpuinfo(ONE);
        assert!(one.starts_with("Fast sha256:"));
        assert_eq!(one, of_cpuinfo(&ONE.replace("1000.1", "2000.2")));
        assert_ne!(one, of_cpuinfo(&ONE.replace("avx2", "avx512f")));
    }
}
