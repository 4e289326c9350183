//! Extensions: functions beyond the common table, which a plugin may offer.

use crate::rt::OnPlugin;
use crate::{ExtensionType, Plugin, Result};

/// An extension of the API: the type has its functions as methods.
pub trait Extension: Sized {
    /// Its name, without prefix.
    const NAME: &'static str;

    /// The extension as a plugin offers it.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NoExtension`] if it does not.
    fn of(plugin: &Plugin) -> Result<Self>;
}

/// A node of a plugin's chain of extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtensionNode {
    /// Its number; one that this version does not know is kept.
    pub kind: ExtensionType,
    /// Size of its table, in bytes.
    pub size: usize,
}

impl Plugin {
    /// An extension that the plugin may offer.
    ///
    /// # Errors
    ///
    /// [`crate::Error::NoExtension`] if it does not, which also says if the plugin's chain of
    /// extensions cannot be read.
    pub fn extension<E: Extension>(&self) -> Result<E> {
        E::of(self)
    }

    /// The extensions that the plugin offers, known or not, in the order of its chain.
    ///
    /// A node that says no more than that something is there ([`ExtensionType::UNKNOWN`], or a
    /// number of a vendor's) is listed with its size; there is no type for
    /// [`Plugin::extension`] to give.
    pub fn extensions(&self) -> Vec<ExtensionNode> {
        let nodes = self.api().chain().nodes().iter();
        nodes
            .map(|node| ExtensionNode {
                kind: ExtensionType::from_raw(node.number),
                size: node.size,
            })
            .collect()
    }

    /// Why the chain of extensions could not be read to its end, if it could not.
    pub fn extension_chain_fault(&self) -> Option<&'static str> {
        self.api().chain().fault()
    }
}
