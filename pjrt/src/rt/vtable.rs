//! Objects that carry a table of their own functions, which are called by position.

use super::{Api, Function, Owner, Place, begin, end, reaper};
use crate::Result;
use std::ptr::NonNull;

/// The field that errors about an object's table name.
const FIELD: &str = "vtable";

/// A slot of an object's table.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// What errors call it, and the first minor version that has it as it is today.
    pub function: Function,
    /// Where the table's first slot is: what is before it every table has.
    pub head: usize,
    /// Where this slot is.
    pub offset: usize,
    /// Where the table tells the size of its objects, and how large they are here.
    pub instance: Option<(usize, usize)>,
}

impl Slot {
    fn place(&self) -> Place {
        Place {
            function: self.function.name,
            field: FIELD,
        }
    }
}

/// An object that is not null, of a plugin that is as new as the slot.
pub fn object<T>(api: &Api, object: *mut T, slot: &Slot) -> Result<*mut T> {
    if api.minor() < slot.function.since {
        return Err(api.absent(&slot.function));
    }
    match NonNull::new(object).filter(|object| object.is_aligned()) {
        Some(object) => Ok(object.as_ptr()),
        None => Err(slot.place().invalid("no object where one must be")),
    }
}

/// Tests that an object's table is one, and that it has a slot. A plugin older than the slot is not
/// believed, for the place may have held something else then.
///
/// # Safety
///
/// The pointer is null, or the table of a live object if the plugin is as new as the slot.
pub unsafe fn reaches<V>(api: &Api, table: *const V, slot: &Slot) -> Result<()> {
    if api.minor() < slot.function.since {
        return Err(api.absent(&slot.function));
    }
    let invalid = |problem| Err(slot.place().invalid(problem));
    if table.is_null() {
        return invalid("null where the table of the object's functions must be");
    }
    if !table.is_aligned() {
        return invalid("a table that is not aligned");
    }
    let word = size_of::<usize>();
    // SAFETY: the caller's promise: a table begins with its size.
    let size = unsafe { table.cast::<usize>().read() };
    if size < slot.head || !size.is_multiple_of(word) {
        return invalid("a table whose size is no size of such a table");
    }
    if let Some((at, least)) = slot.instance {
        // SAFETY: the field stands before the first slot, which the table reaches.
        let instance = unsafe { table.byte_add(at).cast::<usize>().read() };
        if instance < least {
            return invalid("a table of objects that are smaller than the one that has it");
        }
    }
    if slot.offset.checked_add(word).is_none_or(|end| end > size) {
        return Err(api.absent(&slot.function));
    }
    Ok(())
}

/// The functions that count references to an object.
#[derive(Clone, Copy, Debug)]
pub struct Counting<T> {
    /// Counts one more.
    pub clone: Count<T>,
    /// Gives one up; the last one destroys the object.
    pub drop: Count<T>,
}

/// A function that counts, and what traces call it.
pub type Count<T> = (unsafe extern "C" fn(T), &'static Function);

/// Calls a function that counts.
///
/// # Safety
///
/// The function is the object's own, and the object is live.
unsafe fn count<T>(api: &Api, function: Count<T>, this: T) {
    let (function, name) = function;
    let traced = begin(api, name, 0);
    // SAFETY: the caller's promise.
    unsafe { function(this) };
    end(api, name, traced, true);
}

/// Objects whose references are counted by functions of their own table.
///
/// # Safety
///
/// The functions that `counting` gives are the object's own, take what `this` gives, and may be
/// called on any thread.
pub unsafe trait Counted: 'static {
    /// The object as it is passed around.
    type Object: Copy + 'static;
    /// What its functions take.
    type This: Copy + 'static;

    /// What its functions take.
    fn this(object: Self::Object) -> Self::This;

    /// The functions that count.
    ///
    /// # Safety
    ///
    /// The object is live and of the plugin.
    unsafe fn counting(api: &Api, object: Self::Object) -> Result<Counting<Self::This>>;
}

/// A counted reference to an object, and what must outlive it.
pub struct Ref<C: Counted> {
    object: C::Object,
    counting: Counting<C::This>,
    api: &'static Api,
    parent: Option<Owner>,
}

impl<C: Counted> Ref<C> {
    /// Takes a reference over.
    ///
    /// # Errors
    ///
    /// The object's table lacks the functions that count: then the reference cannot be given up,
    /// and stays.
    ///
    /// # Safety
    ///
    /// The object is live and of the plugin, the reference is the caller's to give away, and `parent`
    /// is what must outlive the object.
    pub unsafe fn owned(
        api: &'static Api,
        object: C::Object,
        parent: Option<Owner>,
    ) -> Result<Self> {
        // SAFETY: the caller's promise.
        let counting = unsafe { C::counting(api, object) }?;
        Ok(Ref {
            object,
            counting,
            api,
            parent,
        })
    }

    /// Counts a reference to an object of somebody else's.
    ///
    /// # Errors
    ///
    /// The object's table lacks the functions that count.
    ///
    /// # Safety
    ///
    /// The object is live and of the plugin, and `parent` is what must outlive it.
    pub unsafe fn borrowed(
        api: &'static Api,
        object: C::Object,
        parent: Option<Owner>,
    ) -> Result<Self> {
        // SAFETY: the caller's promise.
        let counting = unsafe { C::counting(api, object) }?;
        // SAFETY: the object is live, and the function its own.
        unsafe { count(api, counting.clone, C::this(object)) };
        Ok(Ref {
            object,
            counting,
            api,
            parent,
        })
    }

    /// The object, which lives as long as this.
    pub fn object(&self) -> C::Object {
        self.object
    }

    /// The plugin.
    pub fn api(&self) -> &'static Api {
        self.api
    }

    /// What must outlive the object.
    pub fn owner(&self) -> Option<&Owner> {
        self.parent.as_ref()
    }

    /// Gives the reference to somebody who gives it up.
    pub fn into_object(self) -> C::Object {
        let mut this = std::mem::ManuallyDrop::new(self);
        // The reference goes; what it kept alive stays ours to drop.
        drop(this.parent.take());
        this.object
    }
}

impl<C: Counted> Clone for Ref<C> {
    fn clone(&self) -> Self {
        // SAFETY: this holds a reference, so the object is live; the function is its own.
        unsafe { count(self.api, self.counting.clone, C::this(self.object)) };
        Ref {
            object: self.object,
            counting: self.counting,
            api: self.api,
            parent: self.parent.clone(),
        }
    }
}

impl<C: Counted> Drop for Ref<C> {
    fn drop(&mut self) {
        let last = Last::<C> {
            this: C::this(self.object),
            give_up: self.counting.drop,
            api: self.api,
            parent: self.parent.take(),
        };
        // The last reference may destroy what a plugin's thread must not.
        reaper::destroy(move || last.run());
    }
}

/// A reference on its way to the thread that gives it up.
struct Last<C: Counted> {
    this: C::This,
    give_up: Count<C::This>,
    api: &'static Api,
    parent: Option<Owner>,
}

// SAFETY: references may be given up on any thread, which `Counted` says.
unsafe impl<C: Counted> Send for Last<C> {}

impl<C: Counted> Last<C> {
    fn run(self) {
        // SAFETY: the reference is ours and given up once; what must outlive the object goes after it.
        unsafe { count(self.api, self.give_up, self.this) };
        drop(self.parent);
    }
}
