//! Every object that a caller got: its type, its owner, and whether it is still there.

use crate::ext::device_event::DeviceEvent;
use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

/// An address that stands for an object. It is never given out twice, so that one which is used
/// after its end is told.
struct Object {
    /// What the address points to: words that a caller may read, such as a table of functions.
    _cell: Box<[usize; 2]>,
    value: Option<Arc<dyn Any + Send + Sync>>,
    kind: TypeId,
    kind_name: &'static str,
    /// The caller must destroy it.
    owned: bool,
    /// The object it goes with.
    owner: Option<usize>,
}

/// All objects of a plugin.
#[derive(Default)]
pub(crate) struct Registry {
    objects: HashMap<usize, Object>,
}

fn short(name: &'static str) -> &'static str {
    name.rsplit("::").next().unwrap_or(name)
}

impl Registry {
    /// Gives an object an address. Without `owned`, it ends with its owner.
    pub(crate) fn add<T: Any + Send + Sync>(
        &mut self,
        value: Arc<T>,
        words: [usize; 2],
        owned: bool,
        owner: Option<usize>,
    ) -> usize {
        let cell = Box::new(words);
        let address = (&raw const *cell) as usize;
        let object = Object {
            _cell: cell,
            value: Some(value),
            kind: TypeId::of::<T>(),
            kind_name: short(type_name::<T>()),
            owned,
            owner,
        };
        self.objects.insert(address, object);
        address
    }

    /// Gives an object the address of memory of its own, which the caller must give back.
    pub(crate) fn adopt<T: Any + Send + Sync>(&mut self, value: Arc<T>, address: usize) {
        let object = Object {
            _cell: Box::new([0; 2]),
            value: Some(value),
            kind: TypeId::of::<T>(),
            kind_name: short(type_name::<T>()),
            owned: true,
            owner: None,
        };
        self.objects.insert(address, object);
    }

    /// The object at an address, or what is wrong with the address.
    pub(crate) fn get<T: Any + Send + Sync>(&self, address: usize) -> Result<Arc<T>, String> {
        let expected = short(type_name::<T>());
        if address == 0 {
            return Err(format!("null where a {expected} belongs"));
        }
        let Some(object) = self.objects.get(&address) else {
            return Err(format!(
                "{address:#x} is no handle of this plugin, expected a {expected}"
            ));
        };
        if object.kind != TypeId::of::<T>() {
            let found = object.kind_name;
            return Err(format!(
                "a handle of a {found} where one of a {expected} belongs"
            ));
        }
        let Some(value) = &object.value else {
            return Err(format!("a {expected} is used after its end"));
        };
        Ok(value
            .clone()
            .downcast::<T>()
            .unwrap_or_else(|_| unreachable!("the types agree")))
    }

    /// Ends an object and what goes with it.
    pub(crate) fn remove<T: Any + Send + Sync>(
        &mut self,
        address: usize,
    ) -> Result<Arc<T>, String> {
        let value = self.get::<T>(address)?;
        let object = self.objects.get_mut(&address);
        if object.as_ref().is_some_and(|o| !o.owned) {
            return Err(format!(
                "a {} is destroyed that is not the caller's",
                short(type_name::<T>())
            ));
        }
        if let Some(object) = object {
            object.value = None;
        }
        self.end_of(address);
        Ok(value)
    }

    /// Takes an object back that no caller ever saw, and gives it: other answers may point into it.
    pub(crate) fn forget(&mut self, address: usize) -> Option<Arc<dyn Any + Send + Sync>> {
        let object = self.objects.get_mut(&address).filter(|o| o.owned)?;
        let value = object.value.take();
        self.end_of(address);
        value
    }

    fn end_of(&mut self, owner: usize) {
        for object in self.objects.values_mut() {
            if object.owner != Some(owner) || object.owned {
                continue;
            }
            let event = object.value.as_ref();
            let event = event.and_then(|value| value.downcast_ref::<DeviceEvent>());
            if event.is_some_and(DeviceEvent::outlives_its_owner) {
                (object.owned, object.owner) = (true, None);
            } else {
                object.value = None;
            }
        }
    }

    /// Names of what callers still have to destroy, with how many there are of each.
    pub(crate) fn alive(&self) -> Vec<(&'static str, usize)> {
        let mut found: Vec<(&'static str, usize)> = Vec::new();
        for object in self.objects.values() {
            if !object.owned || object.value.is_none() {
                continue;
            }
            match found.iter_mut().find(|(name, _)| *name == object.kind_name) {
                Some((_, count)) => *count += 1,
                None => found.push((object.kind_name, 1)),
            }
        }
        found.sort_unstable();
        found
    }
}
