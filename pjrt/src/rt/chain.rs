//! The chain of a plugin's extensions.

use super::behind::TablesBehind;
use super::gate::layout_since;
use super::{Api, Sorted, Table, TableType, guard};
use crate::{Error, Result};
use crate::{raw, sys};
use std::any::{Any, TypeId};
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

/// More nodes than this are not a chain: there are about 25 types.
const LONGEST: usize = 1024;

/// The nodes of a plugin's chain, and the tables that were asked for.
#[derive(Default)]
pub(crate) struct Chain {
    nodes: Vec<Node>,
    fault: Option<&'static str>,
    tables: Mutex<Sorted<(u32, TypeId), &'static (dyn Any + Send + Sync)>>,
    behind: TablesBehind,
}

/// A node.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    pub(crate) number: sys::PJRT_Extension_Type,
    pub(crate) size: usize,
    at: NonNull<sys::PJRT_Extension_Base>,
}

impl Chain {
    /// Reads the chain. A cycle, a null size or an address that is not aligned ends it.
    ///
    /// # Safety
    ///
    /// `first` is null or the first node of a plugin's chain, which lives as long as the process.
    pub(crate) unsafe fn read(first: *const sys::PJRT_Extension_Base, minor: u32) -> Chain {
        let mut chain = Chain::default();
        // Older nodes did not begin with their size: what stands in them cannot be told.
        if minor < layout_since(raw::CHAIN) {
            chain.fault =
                (!first.is_null()).then_some("its nodes carry no size, so they cannot be read");
            return chain;
        }
        let mut next = first.cast_mut();
        while let Some(at) = NonNull::new(next) {
            if !at.is_aligned() {
                chain.fault = Some("a node's address is not aligned");
                break;
            }
            if chain.nodes.len() == LONGEST || chain.nodes.iter().any(|n| n.at == at) {
                chain.fault = Some("it has a cycle");
                break;
            }
            // SAFETY: an aligned node of the plugin's chain, at least as long as its base.
            let base = unsafe { at.read() };
            if base.struct_size < size_of::<sys::PJRT_Extension_Base>() {
                chain.fault = Some("a node says it is smaller than a node");
                break;
            }
            chain.nodes.push(Node {
                number: base.type_,
                size: base.struct_size,
                at,
            });
            next = base.next;
        }
        chain
    }

    /// The nodes in their order.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The tables that extensions point at.
    pub(crate) fn behind(&self) -> &TablesBehind {
        &self.behind
    }

    /// Why the chain could not be read to its end.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.fault
    }
}

impl Api {
    /// The table of an extension, copied at the first call.
    pub fn extension<T: TableType>(&'static self) -> Result<&'static Table<T>> {
        let copy = |at| -> &'static (dyn Any + Send + Sync) {
            // SAFETY: the node has this type's number, and its size is its own.
            Box::leak(Box::new(unsafe { Table::<T>::copy(self, at) }))
        };
        let kept = self
            .kept((T::NUMBER, TypeId::of::<T>()), &copy)
            .map(|kept| kept as &'static dyn Any);
        kept.and_then(|kept| kept.downcast_ref())
            .ok_or_else(|| self.no_extension(T::NAME))
    }

    /// The table of the first node of a number, which is copied if it was not before. Two types of
    /// one number are two schemas: each has a copy of its own.
    fn kept(
        &'static self,
        (number, of): (u32, TypeId),
        copy: &dyn Fn(NonNull<sys::PJRT_Extension_Base>) -> &'static (dyn Any + Send + Sync),
    ) -> Option<&'static (dyn Any + Send + Sync)> {
        let chain = self.chain();
        let looked_at = if guard::off("first_extension_only") {
            1
        } else {
            LONGEST
        };
        let mut nodes = chain.nodes().iter().take(looked_at);
        let node = nodes.find(|n| n.number.0 == number)?;
        let mut tables = chain.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = tables.get(&(number, of)) {
            return Some(*kept);
        }
        let table = copy(node.at);
        tables.insert((number, of), table);
        Some(table)
    }

    #[cold]
    fn no_extension(&self, extension: &'static str) -> Error {
        Error::NoExtension {
            extension,
            chain_fault: self.chain().fault(),
            plugin_version: self.version(),
        }
    }
}
