//! Results that nothing could keep alive are refused.

use super::outputs::borrows;
use crate::lower::method::Method;
use crate::lower::outputs::{Output, OutputKind};
use crate::overlay::Lender;

/// An output that is borrowed from something that is not counted cannot be kept alive.
pub fn refuse(method: &Method<'_>, output: &Output<'_>) -> Result<(), String> {
    let handle = matches!(
        output.kind,
        OutputKind::Borrowed { .. } | OutputKind::Handles { .. }
    );
    let uncounted = method.subject.is_some_and(|s| !s.counted);
    if handle && uncounted && output.lender == Lender::Receiver {
        return Err(format!(
            "`{}` is borrowed from a handle that is not counted: say `borrow = \"client\"`",
            output.field
        ));
    }
    if borrows(output) && method.subject.is_none() {
        return Err(format!(
            "`{}` is borrowed, and there is no handle to borrow it from: say `borrow = \"process\"`",
            output.field
        ));
    }
    Ok(())
}
