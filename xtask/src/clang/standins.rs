//! Headers of our own in place of the compiler's and XLA's C++ ones, so that the facts do not
//! depend on the machine.

use std::io;
use std::path::Path;

const FILES: [(&str, &str); 8] = [
    ("stddef.h", include_str!("standins/stddef.h")),
    ("stdint.h", include_str!("standins/stdint.h")),
    ("stdbool.h", include_str!("standins/stdbool.h")),
    ("assert.h", include_str!("standins/assert.h")),
    ("cstddef", include_str!("standins/cstddef")),
    ("cstdint", include_str!("standins/cstdint")),
    (
        "xla/pjrt/pjrt_client.h",
        include_str!("standins/xla/pjrt/pjrt_client.h"),
    ),
    (
        "xla/pjrt/pjrt_common.h",
        include_str!("standins/xla/pjrt/pjrt_common.h"),
    ),
];

/// Writes all of them below `root`.
pub fn write(root: &Path) -> io::Result<()> {
    for (name, text) in FILES {
        let path = root.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
