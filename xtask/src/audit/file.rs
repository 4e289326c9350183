//! A plugin's file before anything of it runs: is it a library for this machine, and whole?

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;

use object::elf::{self, FileHeader64};
use object::read::ReadCache;
use object::read::elf::{Dyn as _, FileHeader as _, ProgramHeader as _};
use object::{Endianness, ReadRef as _};

use super::finding::Finding;

/// What the file says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library {
    /// The libraries that it names as needed; empty where that is not told.
    pub needed: Vec<String>,
}

/// Looks at the file. A file of another system's format is the loader's to refuse.
///
/// # Errors
///
/// What is wrong with it.
pub fn inspect(path: &Path) -> Result<Library, Finding> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        let text = format!("expected a readable file at {shown}, got: {error}; check its rights");
        Finding::fatal("file-unreadable", text)
    };
    let meta = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Finding::fatal(
            "file-missing",
            format!(
                "expected a plugin's library at {shown}, and there is nothing; check the path, or \
                 give a name such as `cpu` (`cargo xtask plugin list` shows them)"
            ),
        ),
        _ => unreadable(error),
    })?;
    if meta.is_dir() {
        return Err(Finding::fatal(
            "file-directory",
            format!(
                "expected a plugin's library, got the directory {shown}; give the library in it"
            ),
        ));
    }
    if !meta.is_file() {
        return Err(Finding::fatal(
            "file-kind",
            format!("expected a plugin's library, got a device or pipe at {shown}; give a file"),
        ));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let mut head = Vec::new();
    (&mut file)
        .take(64)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    if !cfg!(target_os = "linux") {
        return Ok(Library::default());
    }
    if !head.starts_with(&elf::ELFMAG) {
        return Err(no_library(path, &head));
    }
    identity(path, &head)?;
    read(file, meta.len()).map_err(|problem| {
        let text = format!(
            "expected a whole library, got {shown}, which {problem}; copy or download it again"
        );
        Finding::fatal("elf-truncated", text)
    })
}

/// What a file is that is no ELF file.
fn no_library(path: &Path, head: &[u8]) -> Finding {
    let text = !head.is_empty()
        && head
            .iter()
            .all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 32..127));
    let (what, next) = match head {
        [] => ("an empty file", "copy or download it again"),
        _ if head.starts_with(b"#!") => ("a script", "give the library that it starts or loads"),
        _ if head.starts_with(b"version https://git-lfs") => {
            ("a pointer to a large file of git", "run `git lfs pull`")
        }
        _ if head.starts_with(b"PK\x03\x04") => (
            "a zip archive (a Python wheel is one)",
            "unpack it and give the .so in it",
        ),
        _ if head.starts_with(b"!<arch>") => ("a static library", "link it into a shared one"),
        _ if head.starts_with(b"MZ") => ("a library for Windows", "get the one for Linux"),
        _ if head.starts_with(&[0xcf, 0xfa, 0xed, 0xfe])
            || head.starts_with(&[0xca, 0xfe, 0xba, 0xbe]) =>
        {
            ("a library for macOS", "get the one for Linux")
        }
        _ if text => ("a text file", "give the plugin's .so file"),
        _ => ("a file of another format", "give the plugin's .so file"),
    };
    let shown = path.display();
    let code = "file-kind";
    Finding::fatal(
        code,
        format!("expected a shared library (ELF), got {what} at {shown}; {next}"),
    )
}

/// The machine that this program runs on, as ELF numbers it.
fn own_machine() -> Option<u16> {
    match std::env::consts::ARCH {
        "x86_64" => Some(elf::EM_X86_64.0),
        "aarch64" => Some(elf::EM_AARCH64.0),
        "riscv64" => Some(elf::EM_RISCV.0),
        "powerpc64" => Some(elf::EM_PPC64.0),
        "s390x" => Some(elf::EM_S390.0),
        "loongarch64" => Some(elf::EM_LOONGARCH.0),
        _ => None,
    }
}

fn machine(number: u16) -> String {
    let name = match number {
        3 => "32-bit x86",
        8 => "MIPS",
        21 => "64-bit PowerPC",
        22 => "IBM Z",
        40 => "32-bit ARM",
        62 => "x86_64",
        183 => "aarch64",
        243 => "RISC-V",
        258 => "LoongArch",
        _ => return format!("machine number {number}"),
    };
    name.to_owned()
}

/// Class, byte order, kind and machine: the first 20 bytes.
fn identity(path: &Path, head: &[u8]) -> Result<(), Finding> {
    let shown = path.display();
    let short = || {
        let text = format!(
            "expected a whole library, got {shown}, which ends within its first header; copy or \
             download it again"
        );
        Finding::fatal("elf-truncated", text)
    };
    let byte = |at: usize| head.get(at).copied().ok_or_else(short);
    let own = std::env::consts::ARCH;
    let (class, order) = (byte(4)?, byte(5)?);
    let pair = [byte(18)?, byte(19)?];
    let number = match order {
        2 => u16::from_be_bytes(pair),
        _ => u16::from_le_bytes(pair),
    };
    if class == 1 {
        let text = format!(
            "expected a 64-bit library for {own}, got a 32-bit one ({}) at {shown}; get the plugin \
             built for {own}",
            machine(number)
        );
        return Err(Finding::fatal("elf-32-bit", text));
    }
    if own_machine().is_some_and(|own| own != number) {
        let text = format!(
            "expected a library for {own}, got one for {} at {shown}; get the plugin built for {own}",
            machine(number)
        );
        return Err(Finding::fatal("elf-machine", text));
    }
    let kind = match order {
        2 => u16::from_be_bytes([byte(16)?, byte(17)?]),
        _ => u16::from_le_bytes([byte(16)?, byte(17)?]),
    };
    if kind != 3 {
        let what = match kind {
            1 => "an object file",
            2 => "a program",
            4 => "a core dump",
            _ => "another kind of ELF file",
        };
        let text = format!(
            "expected a shared library, got {what} at {shown}; link the plugin with -shared"
        );
        return Err(Finding::fatal("elf-kind", text));
    }
    Ok(())
}

/// The parts of the file and the names of what it needs; the error says what the file does.
fn read(file: File, length: u64) -> Result<Library, String> {
    let data = ReadCache::new(file);
    let data = &data;
    let bad = |error: object::Error| format!("cannot be read ({error})");
    let header = FileHeader64::<Endianness>::parse(data).map_err(bad)?;
    let endian = header.endian().map_err(bad)?;
    let sections = u64::from(header.e_shnum.get(endian))
        .saturating_mul(u64::from(header.e_shentsize.get(endian)))
        .saturating_add(header.e_shoff.get(endian));
    let segments = header.program_headers(endian, data).map_err(bad)?;
    let mut end = sections;
    for segment in segments.iter().filter(|s| s.p_type(endian) == elf::PT_LOAD) {
        let (at, size) = segment.file_range(endian);
        end = end.max(at.saturating_add(size));
    }
    if end > length {
        return Err(format!(
            "has {length} bytes of the {end} that its headers say"
        ));
    }
    if segments.is_empty() {
        return Err("has nothing to load".to_owned());
    }
    let mut needed = Vec::new();
    let (mut table, mut size, mut offsets) = (None, 0, Vec::new());
    for segment in segments {
        let Some(entries) = segment.dynamic(endian, data).map_err(bad)? else {
            continue;
        };
        for entry in entries {
            let value = entry.d_val(endian);
            match entry.d_tag(endian) {
                elf::DT_NULL => break,
                elf::DT_NEEDED => offsets.push(value),
                elf::DT_STRTAB => table = Some(value),
                elf::DT_STRSZ => size = value,
                _ => {}
            }
        }
    }
    let place = table.and_then(|address| {
        segments
            .iter()
            .filter(|s| s.p_type(endian) == elf::PT_LOAD)
            .find_map(|s| {
                let within = address.checked_sub(s.p_vaddr(endian))?;
                (within < s.p_filesz(endian)).then(|| s.p_offset(endian).saturating_add(within))
            })
    });
    for offset in offsets {
        let range = place.map(|at| (at.saturating_add(offset), at.saturating_add(size)));
        let bytes = range.and_then(|(from, to)| data.read_bytes_at_until(from..to, 0).ok());
        needed.extend(bytes.map(|name| String::from_utf8_lossy(name).into_owned()));
    }
    Ok(Library { needed })
}
