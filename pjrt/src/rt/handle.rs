//! Handles: counted ones, which may borrow from somebody else's owner, and those with one owner.

use super::{Api, Function, Owner, Sorted, guard, owner};
use crate::{ElementType, Error, Result};
use std::any::Any;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A handle type.
///
/// # Safety
///
/// `as_raw` gives a live object of type `Raw`, which `owner` keeps alive beyond the handle itself,
/// if there is one; `destroy` is that type's destructor.
pub unsafe trait Handle: Sized {
    /// The C type.
    type Raw: 'static;
    /// Its name.
    const NAME: &'static str;
    /// Its destructor, if it has one.
    const DESTROY: Option<Function>;
    /// It is a client.
    const ROOT: bool;
    /// The plugin.
    fn api(&self) -> &'static Api;
    /// The object.
    fn as_raw(&self) -> *mut Self::Raw;
    /// Who keeps the object alive; for a handle with one owner, its parent.
    fn owner(&self) -> Option<&Owner>;
    /// Whether the plugin has the destructor.
    fn can_destroy(api: &'static Api) -> bool;
    /// Frees an object.
    ///
    /// # Safety
    ///
    /// The object is live, and nobody uses it after this.
    unsafe fn destroy(api: &'static Api, raw: NonNull<Self::Raw>);
    /// Takes an object over.
    ///
    /// # Safety
    ///
    /// The object is live and nobody else destroys it; `parent` is what must outlive it.
    unsafe fn own(api: &'static Api, raw: NonNull<Self::Raw>, parent: Option<Owner>) -> Self;
}

/// A handle type that can stand for an object of somebody else's.
pub trait Borrow: Handle {
    /// Refers to an object.
    ///
    /// # Safety
    ///
    /// The object lives as long as the owner.
    unsafe fn borrow(raw: NonNull<Self::Raw>, owner: Owner) -> Self;
}

/// What stands for a plugin itself.
pub trait OnPlugin {
    /// The plugin.
    fn api(&self) -> &'static Api;
}

/// A counted handle.
pub struct Shared<T> {
    raw: NonNull<T>,
    owner: Owner,
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared {
            raw: self.raw,
            owner: self.owner.clone(),
        }
    }
}

impl<T: 'static> Shared<T> {
    /// # Safety
    ///
    /// As [`Handle::own`].
    pub unsafe fn owned<H: Handle<Raw = T>>(
        api: &'static Api,
        raw: NonNull<T>,
        parent: Option<Owner>,
    ) -> Self {
        let parent = parent.filter(|_| !guard::off("executable_outlives_loaded"));
        // SAFETY: the caller's promise.
        let owner = unsafe { Owner::new::<H>(api, raw, parent) };
        Shared { raw, owner }
    }

    /// # Safety
    ///
    /// As [`Borrow::borrow`].
    pub unsafe fn borrowed(raw: NonNull<T>, owner: Owner) -> Self {
        #[cfg(pjrt_mutants)]
        let owner = match guard::off("description_outlives_owner") {
            true => owner.of_nothing(),
            false => owner,
        };
        Shared { raw, owner }
    }

    /// The plugin.
    pub fn api(&self) -> &'static Api {
        self.owner.api()
    }

    /// The object.
    pub fn as_raw(&self) -> *mut T {
        self.raw.as_ptr()
    }

    /// What keeps it alive.
    pub fn owner(&self) -> Option<&Owner> {
        Some(&self.owner)
    }

    /// `Debug` of the handle.
    pub fn describe<H: Handle>(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe::<H>(self.api(), f)
    }
}

/// What never changes about an array on a device.
#[derive(Clone, Copy)]
pub(crate) struct About {
    pub(crate) element_type: ElementType,
    /// The plugin's own memory.
    pub(crate) dims: NonNull<[i64]>,
    /// Address of the device.
    pub(crate) device: usize,
}

/// A handle with one owner.
pub struct Unique<T: 'static> {
    raw: NonNull<T>,
    api: &'static Api,
    parent: Option<Owner>,
    /// A call has destroyed the object.
    freed: bool,
    /// What is kept about the object besides.
    note: OnceLock<Box<dyn Any + Send + Sync>>,
    /// What is known of an array.
    about: OnceLock<About>,
    /// What was asked for that may be asked for once.
    taken: Mutex<Sorted<(&'static str, i64), ()>>,
}

impl<T: 'static> Unique<T> {
    /// # Safety
    ///
    /// As [`Handle::own`].
    pub unsafe fn owned<H: Handle<Raw = T>>(
        api: &'static Api,
        raw: NonNull<T>,
        parent: Option<Owner>,
    ) -> Self {
        Unique {
            raw,
            api,
            parent,
            freed: false,
            note: OnceLock::new(),
            about: OnceLock::new(),
            taken: Mutex::new(Sorted::new()),
        }
    }

    /// The plugin.
    pub fn api(&self) -> &'static Api {
        self.api
    }

    /// The object.
    pub fn as_raw(&self) -> *mut T {
        self.raw.as_ptr()
    }

    /// What must outlive it.
    pub fn owner(&self) -> Option<&Owner> {
        self.parent.as_ref()
    }

    /// Keeps something about the object; the first stays.
    pub(crate) fn note<N: Any + Send + Sync>(&self, note: N) {
        let _ = self.note.set(Box::new(note));
    }

    /// What was kept, if it is of this type.
    pub(crate) fn noted<N: Any>(&self) -> Option<&N> {
        self.note.get()?.downcast_ref()
    }

    /// What is known of the array.
    pub(crate) fn about(&self) -> Option<&About> {
        self.about.get()
    }

    /// Keeps what is known of the array; the first stays.
    pub(crate) fn know(&self, about: About) -> &About {
        self.about.get_or_init(|| about)
    }

    /// Says that a call has destroyed the object; nothing may be called on it after this.
    pub fn freed(&mut self) {
        self.freed = true;
    }

    /// Destroys the object. Only a destructor calls this, once.
    pub fn destroy<H: Handle<Raw = T>>(this: &mut Self) {
        #[cfg(pjrt_mutants)]
        if guard::off("polled_event_dropped") {
            super::waiting::release();
        }
        if this.freed {
            return;
        }
        // SAFETY: the handle is being dropped, so this is the last use of the object.
        unsafe { owner::destroy_object::<H>(this.api, this.raw, this.parent.take()) }
    }

    /// Refuses a value that was given to the function before. The mark stays even if the call
    /// fails: nobody knows then what the plugin has done.
    pub fn once(
        &self,
        function: &'static str,
        argument: &'static str,
        value: impl Into<i64>,
    ) -> Result<()> {
        let value = value.into();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let first = taken.insert((function, value), ()).is_none();
        if first || guard::off("index_out_of_range") {
            return Ok(());
        }
        Err(Error::InvalidArgument {
            function,
            argument,
            problem: format!("{value} was given before, and it may be given once"),
        })
    }

    /// `Debug` of the handle.
    pub fn describe<H: Handle>(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe::<H>(self.api, f)
    }
}

fn describe<H: Handle>(api: &Api, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.debug_struct(H::NAME)
        .field("plugin", &api.name())
        .finish_non_exhaustive()
}

/// Where an output comes from, for errors.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// C function.
    pub function: &'static str,
    /// Field.
    pub field: &'static str,
}

impl Place {
    /// The error for an output that the API does not allow.
    #[cold]
    pub fn invalid(self, problem: &'static str) -> Error {
        #[cfg(pjrt_mutants)]
        assert!(!guard::off("panic_on_plugin_output"), "{problem}");
        Error::InvalidOutput {
            function: self.function,
            field: self.field,
            problem,
        }
    }
}

/// Who keeps alive what belongs to a handle.
pub fn owner_of<H: Handle>(handle: &H) -> Option<Owner> {
    handle.owner().cloned()
}

/// Who keeps the client of a handle alive.
pub fn client_of<H: Handle>(handle: &H) -> Option<Owner> {
    handle.owner().and_then(Owner::client_owner)
}

/// One owner for what needs two objects.
pub fn keep_also<H: Handle>(first: Option<Owner>, second: Option<&H>) -> Option<Owner> {
    match (first, second.and_then(owner_of)) {
        (Some(first), Some(second)) => Some(Owner::both(first, second)),
        (first, second) => first.or(second),
    }
}

/// Refuses to make an object that could not be freed.
pub fn destructor<H: Handle>(api: &'static Api) -> Result<()> {
    match &H::DESTROY {
        Some(function) if !H::can_destroy(api) => Err(api.absent(function)),
        _ => Ok(()),
    }
}

/// Refuses a handle of another plugin.
pub fn same_plugin<A: Handle, B: Handle>(
    on: &A,
    given: &B,
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    if std::ptr::eq(on.api(), given.api()) || guard::off("foreign_handle") {
        return Ok(());
    }
    Err(Error::ForeignHandle {
        function,
        argument,
        must_share: "plugin",
    })
}

/// Refuses a handle of another plugin than the one that is called.
pub fn of_plugin<H: Handle>(
    api: &'static Api,
    given: &H,
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    if std::ptr::eq(api, given.api()) || guard::off("foreign_handle") {
        return Ok(());
    }
    Err(Error::ForeignHandle {
        function,
        argument,
        must_share: "plugin",
    })
}

/// Refuses a handle of another plugin, and of another client where both belong to one.
pub fn same_client<A: Handle, B: Handle>(
    on: &A,
    given: &B,
    function: &'static str,
    argument: &'static str,
) -> Result<()> {
    same_plugin(on, given, function, argument)?;
    let client = |owner: Option<&Owner>| owner.and_then(Owner::client);
    match (client(on.owner()), client(given.owner())) {
        (Some(a), Some(b)) if a != b && !guard::off("foreign_handle") => {
            Err(Error::ForeignHandle {
                function,
                argument,
                must_share: "client",
            })
        }
        _ => Ok(()),
    }
}

/// Refuses an index that is negative or not below the limit.
pub fn index_below<I, L>(
    index: I,
    limit: L,
    function: &'static str,
    argument: &'static str,
) -> Result<()>
where
    I: TryInto<u64> + Copy + fmt::Display,
    L: TryInto<u64> + Copy + fmt::Display,
{
    let within = match (index.try_into(), limit.try_into()) {
        (Ok(index), Ok(limit)) => index < limit,
        _ => false,
    };
    if within || guard::off("index_out_of_range") {
        return Ok(());
    }
    Err(Error::InvalidArgument {
        function,
        argument,
        problem: format!("{index} is not in 0..{limit}"),
    })
}

/// An object that the caller owns.
///
/// # Safety
///
/// As [`Handle::own`].
pub unsafe fn owned<H: Handle>(
    api: &'static Api,
    raw: *mut H::Raw,
    parent: Option<Owner>,
    place: Place,
) -> Result<H> {
    let raw = NonNull::new(raw).ok_or_else(|| place.invalid("null where an object must be"))?;
    // SAFETY: the caller's promise.
    Ok(unsafe { H::own(api, raw, parent) })
}

/// An object that the caller owns, or null.
///
/// # Safety
///
/// As [`Handle::own`].
pub unsafe fn owned_or_none<H: Handle>(
    api: &'static Api,
    raw: *mut H::Raw,
    parent: Option<Owner>,
    _place: Place,
) -> Result<Option<H>> {
    // SAFETY: the caller's promise.
    Ok(NonNull::new(raw).map(|raw| unsafe { H::own(api, raw, parent) }))
}

/// An object that somebody else owns.
///
/// # Safety
///
/// As [`Borrow::borrow`].
pub unsafe fn borrowed<H: Borrow>(
    raw: *const H::Raw,
    owner: Option<Owner>,
    place: Place,
) -> Result<H> {
    // SAFETY: the caller's promise.
    unsafe { borrowed_or_none(raw, owner, place) }?
        .ok_or_else(|| place.invalid("null where an object must be"))
}

/// An object that somebody else owns, or null.
///
/// # Safety
///
/// As [`Borrow::borrow`].
pub unsafe fn borrowed_or_none<H: Borrow>(
    raw: *const H::Raw,
    owner: Option<Owner>,
    place: Place,
) -> Result<Option<H>> {
    let Some(raw) = NonNull::new(raw.cast_mut()) else {
        return Ok(None);
    };
    let owner = owner.ok_or_else(|| place.invalid("an object without the client that owns it"))?;
    #[cfg(pjrt_mutants)]
    if guard::off("borrowed_freed") {
        let api = owner.api();
        // SAFETY: not sound: the object is somebody else's.
        return Ok(Some(unsafe { H::own(api, raw, Some(owner)) }));
    }
    // SAFETY: the caller's promise.
    Ok(Some(unsafe { H::borrow(raw, owner) }))
}

/// An array of objects that somebody else owns.
///
/// # Safety
///
/// A pointer that is not null and fits has `count` items; the objects are as for [`Borrow::borrow`].
pub unsafe fn handles<H: Borrow>(
    items: *const *mut H::Raw,
    count: usize,
    owner: Option<Owner>,
    place: Place,
) -> Result<Vec<H>> {
    // SAFETY: the caller's promise.
    let items: &[*mut H::Raw] = unsafe { super::slice(items, count, place) }?;
    // SAFETY: the caller's promise.
    items
        .iter()
        .map(|item| unsafe { borrowed(*item, owner.clone(), place) })
        .collect()
}
